package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

var gadgetKind = schema.GroupVersionKind{Group: "clients.example", Version: "v1", Kind: "Gadget"}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme))
}

func gadgetDefinition() *apiextensionsv1.CustomResourceDefinition {
	minimum := 1.0
	preserve := true
	definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "gadgets.clients.example"}}
	definition.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: gadgetKind.Group,
		Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "gadgets", Singular: "gadget", Kind: "Gadget"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
			Name: "v1", Served: true, Storage: true,
			Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
				Type: "object",
				Properties: map[string]apiextensionsv1.JSONSchemaProps{
					"spec": {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
						"size": {Type: "integer", Minimum: &minimum}, "color": {Type: "string"},
					}},
					"status": {Type: "object", XPreserveUnknownFields: &preserve},
				},
			}},
		}},
	}
	return definition
}

func gadget(name string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(gadgetKind)
	object.SetNamespace(namespace)
	object.SetName(name)
	if spec != nil {
		object.Object["spec"] = spec
	}
	return object
}

func ensureGadgets(ctx context.Context, c client.Client) error {
	if err := c.Create(ctx, gadgetDefinition()); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return eventually("the definition is established", func() bool {
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if c.Get(ctx, client.ObjectKey{Name: "gadgets.clients.example"}, definition) != nil {
			return false
		}
		for _, condition := range definition.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return true
			}
		}
		return false
	})
}

func controllerRuntime(ctx context.Context, config *rest.Config) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := ensureGadgets(ctx, c); err != nil {
		return err
	}
	step := func(name string, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	for _, check := range []struct {
		name string
		run  func(context.Context, client.Client) error
	}{
		{"create, update and its conflict", updates},
		{"patches", patches},
		{"status", status},
		{"server-side apply", applies},
		{"create or update", createOrUpdate},
		{"lists", lists},
		{"finalizers and deletion", deletion},
		{"typed objects", typed},
	} {
		if err := step(check.name, check.run(ctx, c)); err != nil {
			return err
		}
	}
	return nil
}

func updates(ctx context.Context, c client.Client) error {
	object := gadget("updated", map[string]any{"size": int64(1)})
	if err := c.Create(ctx, object); err != nil {
		return err
	}
	if err := c.Create(ctx, gadget("updated", nil)); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second creation answered %v", err)
	}
	stale := object.DeepCopy()
	_ = unstructured.SetNestedField(object.Object, int64(2), "spec", "size")
	if err := c.Update(ctx, object); err != nil {
		return err
	}
	if object.GetGeneration() != 2 {
		return fmt.Errorf("generation is %d", object.GetGeneration())
	}
	if err := c.Update(ctx, stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale update answered %v", err)
	}
	if err := c.Create(ctx, gadget("small", map[string]any{"size": int64(0)})); !apierrors.IsInvalid(err) {
		return fmt.Errorf("an invalid object answered %v", err)
	}
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "none"}, gadget("", nil)); !apierrors.IsNotFound(err) {
		return fmt.Errorf("a missing object answered %v", err)
	}
	dry := gadget("dry", nil)
	if err := c.Create(ctx, dry, client.DryRunAll); err != nil {
		return err
	}
	if err := c.Get(ctx, client.ObjectKeyFromObject(dry), gadget("", nil)); !apierrors.IsNotFound(err) {
		return fmt.Errorf("after a dry run a get answered %v", err)
	}
	return nil
}

func patches(ctx context.Context, c client.Client) error {
	object := gadget("patched", map[string]any{"size": int64(1), "color": "red"})
	if err := c.Create(ctx, object); err != nil {
		return err
	}
	base := object.DeepCopy()
	object.SetLabels(map[string]string{"tier": "front"})
	unstructured.RemoveNestedField(object.Object, "spec", "color")
	if err := c.Patch(ctx, object, client.MergeFrom(base)); err != nil {
		return err
	}
	if _, found, _ := unstructured.NestedString(object.Object, "spec", "color"); found || object.GetLabels()["tier"] != "front" {
		return fmt.Errorf("the patched object is %v", object.Object)
	}
	locked := base.DeepCopy()
	locked.SetLabels(map[string]string{"tier": "back"})
	if err := c.Patch(ctx, locked, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale patch with a lock answered %v", err)
	}
	raw := client.RawPatch("application/json-patch+json", []byte(`[{"op":"test","path":"/spec/size","value":1},{"op":"replace","path":"/spec/size","value":5}]`))
	if err := c.Patch(ctx, object, raw); err != nil {
		return err
	}
	if size, _, _ := unstructured.NestedInt64(object.Object, "spec", "size"); size != 5 {
		return fmt.Errorf("size is %d", size)
	}
	return nil
}

func status(ctx context.Context, c client.Client) error {
	object := gadget("reported", map[string]any{"size": int64(1)})
	if err := c.Create(ctx, object); err != nil {
		return err
	}
	_ = unstructured.SetNestedField(object.Object, "Ready", "status", "phase")
	_ = unstructured.SetNestedField(object.Object, int64(9), "spec", "size")
	if err := c.Status().Update(ctx, object); err != nil {
		return err
	}
	size, _, _ := unstructured.NestedInt64(object.Object, "spec", "size")
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	if size != 1 || phase != "Ready" || object.GetGeneration() != 1 {
		return fmt.Errorf("after a status update: size %d, phase %s, generation %d", size, phase, object.GetGeneration())
	}
	base := object.DeepCopy()
	_ = unstructured.SetNestedField(object.Object, "Done", "status", "phase")
	return c.Status().Patch(ctx, object, client.MergeFrom(base))
}

func applies(ctx context.Context, c client.Client) error {
	apply := func(owner string, spec map[string]any, options ...client.ApplyOption) error {
		return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(gadget("applied", spec)), append(options, client.FieldOwner(owner))...)
	}
	if err := apply("one", map[string]any{"size": int64(1), "color": "red"}); err != nil {
		return err
	}
	if err := apply("two", map[string]any{"size": int64(2)}); !apierrors.IsConflict(err) {
		return fmt.Errorf("an apply on another's field answered %v", err)
	}
	if err := apply("two", map[string]any{"size": int64(2)}, client.ForceOwnership); err != nil {
		return err
	}
	if err := apply("one", map[string]any{}); err != nil {
		return err
	}
	object := gadget("applied", nil)
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	if spec := object.Object["spec"]; fmt.Sprint(spec) != "map[size:2]" {
		return fmt.Errorf("after both applied: %v", spec)
	}
	if managers := len(object.GetManagedFields()); managers != 1 && managers != 2 {
		return fmt.Errorf("%d managers: %v", managers, object.GetManagedFields())
	}
	return nil
}

func createOrUpdate(ctx context.Context, c client.Client) error {
	want := []controllerutil.OperationResult{
		controllerutil.OperationResultCreated, controllerutil.OperationResultNone, controllerutil.OperationResultUpdated,
	}
	for i, size := range []int64{1, 1, 2} {
		object := gadget("ensured", nil)
		result, err := controllerutil.CreateOrUpdate(ctx, c, object, func() error {
			return unstructured.SetNestedField(object.Object, size, "spec", "size")
		})
		if err != nil || result != want[i] {
			return fmt.Errorf("turn %d: %s, %w", i, result, err)
		}
	}
	return nil
}

func lists(ctx context.Context, c client.Client) error {
	for i := range 7 {
		object := gadget(fmt.Sprintf("listed-%d", i), nil)
		object.SetLabels(map[string]string{"listed": "true", "odd": fmt.Sprint(i%2 == 1)})
		if err := c.Create(ctx, object); err != nil {
			return err
		}
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "clients.example", Version: "v1", Kind: "GadgetList"})
	var names []string
	for pages := 1; ; pages++ {
		options := []client.ListOption{client.MatchingLabels{"listed": "true"}, client.Limit(3), client.Continue(list.GetContinue())}
		if err := c.List(ctx, list, options...); err != nil {
			return err
		}
		for _, item := range list.Items {
			names = append(names, item.GetName())
		}
		if list.GetContinue() == "" {
			if pages != 3 || len(names) != 7 {
				return fmt.Errorf("%d pages: %v", pages, names)
			}
			break
		}
	}
	if err := c.List(ctx, list, client.HasLabels{"listed"}, client.MatchingLabels{"odd": "true"}); err != nil || len(list.Items) != 3 {
		return fmt.Errorf("%d odd ones, %w", len(list.Items), err)
	}
	if err := c.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"metadata.name": "listed-4"}); err != nil || len(list.Items) != 1 {
		return fmt.Errorf("%d by name, %w", len(list.Items), err)
	}
	metadata := &metav1.PartialObjectMetadataList{}
	metadata.SetGroupVersionKind(list.GroupVersionKind())
	if err := c.List(ctx, metadata, client.HasLabels{"listed"}); err != nil || len(metadata.Items) != 7 {
		return fmt.Errorf("%d as metadata, %w", len(metadata.Items), err)
	}
	return c.DeleteAllOf(ctx, gadget("", nil), client.InNamespace(namespace), client.HasLabels{"listed"})
}

func deletion(ctx context.Context, c client.Client) error {
	object := gadget("final", nil)
	object.SetFinalizers([]string{"clients.example/hold"})
	if err := c.Create(ctx, object); err != nil {
		return err
	}
	child := gadget("child", nil)
	if err := controllerutil.SetControllerReference(object, child, c.Scheme()); err != nil {
		return err
	}
	if err := c.Create(ctx, child); err != nil {
		return err
	}
	other := types.UID("0000")
	if err := c.Delete(ctx, object, client.Preconditions{UID: &other}); !apierrors.IsConflict(err) {
		return fmt.Errorf("deletion of another uid answered %v", err)
	}
	if err := c.Delete(ctx, object); err != nil {
		return err
	}
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil || object.GetDeletionTimestamp() == nil {
		return fmt.Errorf("with a finalizer: %v, %w", object.GetDeletionTimestamp(), err)
	}
	controllerutil.RemoveFinalizer(object, "clients.example/hold")
	if err := c.Update(ctx, object); err != nil {
		return err
	}
	return eventually("owner and child are gone", func() bool {
		return apierrors.IsNotFound(c.Get(ctx, client.ObjectKeyFromObject(object), gadget("", nil))) &&
			apierrors.IsNotFound(c.Get(ctx, client.ObjectKeyFromObject(child), gadget("", nil)))
	})
}

func typed(ctx context.Context, c client.Client) error {
	// Built-in kinds travel as protobuf where the client is left to choose.
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "typed"}, Spec: corev1.NodeSpec{ProviderID: "x://1"}}
	if err := c.Create(ctx, node); err != nil {
		return err
	}
	base := node.DeepCopy()
	node.Spec.Taints = []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoSchedule}}
	if err := c.Patch(ctx, node, client.StrategicMergeFrom(base)); err != nil {
		return err
	}
	// The node life cycle taints a new Node at about the same time.
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(node), node); err != nil {
			return err
		}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		return c.Status().Update(ctx, node)
	}); err != nil {
		return err
	}
	base = node.DeepCopy()
	node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse})
	if err := c.Status().Patch(ctx, node, client.StrategicMergeFrom(base)); err != nil {
		return err
	}
	if len(node.Status.Conditions) != 2 || len(node.Spec.Taints) == 0 {
		return fmt.Errorf("conditions %v, taints %v", node.Status.Conditions, node.Spec.Taints)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "typed", Namespace: namespace}}
	pod.Spec = corev1.PodSpec{NodeName: "typed", Containers: []corev1.Container{{Name: "c", Image: "i"}}}
	if err := c.Create(ctx, pod); err != nil {
		return err
	}
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.MatchingFields{"spec.nodeName": "typed"}); err != nil || len(pods.Items) != 1 {
		return fmt.Errorf("%d pods of the node, %w", len(pods.Items), err)
	}
	return errors.Join(c.Delete(ctx, pod, client.GracePeriodSeconds(0)), c.Delete(ctx, node))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const reconciled = 200

// manager runs a controller of the usual kind: it watches a custom kind and what it owns, and writes status.
func manager(ctx context.Context, config *rest.Config) error {
	log.SetLogger(logr.Discard())
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	m, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "clients-manager", LeaderElectionNamespace: namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := ensureGadgets(ctx, direct); err != nil {
		return err
	}
	var failures atomic.Int64
	c := m.GetClient()
	reconcile := func(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
		object := gadget("", nil)
		if err := c.Get(ctx, request.NamespacedName, object); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owned-" + request.Name, Namespace: request.Namespace}}
		err := errors.Join(ctrl.SetControllerReference(object, owned, scheme), client.IgnoreAlreadyExists(c.Create(ctx, owned)))
		_ = unstructured.SetNestedField(object.Object, owned.Name, "status", "owned")
		err = errors.Join(err, c.Status().Update(ctx, object))
		if err != nil && !apierrors.IsConflict(err) {
			failures.Add(1)
		}
		return ctrl.Result{}, err
	}
	builder := ctrl.NewControllerManagedBy(m).For(gadget("", nil)).Owns(&corev1.ConfigMap{}).Named("gadget")
	if err := builder.Complete(reconcileFunc(reconcile)); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- m.Start(running) }()
	if err := inParallel(reconciled, func(i int) error {
		object := gadget(fmt.Sprintf("managed-%d", i), nil)
		object.SetLabels(map[string]string{"managed": "true"})
		return direct.Create(ctx, object)
	}); err != nil {
		return err
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(gadgetKind.GroupVersion().WithKind("GadgetList"))
	err = eventually("each object has its status", func() bool {
		if direct.List(ctx, list, client.HasLabels{"managed"}) != nil {
			return false
		}
		done := 0
		for _, item := range list.Items {
			if owned, _, _ := unstructured.NestedString(item.Object, "status", "owned"); owned == "owned-"+item.GetName() {
				done++
			}
		}
		return done == reconciled
	})
	err = errors.Join(err, direct.DeleteAllOf(ctx, gadget("", nil), client.InNamespace(namespace), client.HasLabels{"managed"}))
	err = errors.Join(err, eventually("what was owned is collected", func() bool {
		maps := &corev1.ConfigMapList{}
		if direct.List(ctx, maps, client.InNamespace(namespace)) != nil {
			return false
		}
		for _, item := range maps.Items {
			if strings.HasPrefix(item.Name, "owned-managed-") {
				return false
			}
		}
		return true
	}))
	stop()
	err = errors.Join(err, <-ended)
	if failures.Load() > 0 {
		err = errors.Join(err, fmt.Errorf("%d reconciliations failed", failures.Load()))
	}
	return err
}

type reconcileFunc func(context.Context, ctrl.Request) (ctrl.Result, error)

func (f reconcileFunc) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	return f(ctx, request)
}

package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// metadataAndDynamic asks in the untyped ways: discovery, metadata only, dynamic informers and a retrying watch.
func metadataAndDynamic(ctx context.Context, config *rest.Config) error {
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	if _, _, err := found.ServerGroupsAndResources(); err != nil {
		return err
	}
	if _, err := found.OpenAPISchema(); err != nil {
		return fmt.Errorf("openapi v2: %w", err)
	}
	if _, err := found.OpenAPIV3().Paths(); err != nil {
		return fmt.Errorf("openapi v3: %w", err)
	}
	maps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	informer := factory.ForResource(maps)
	indexer := informer.Informer().GetStore()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced) {
		return fmt.Errorf("the dynamic informer never synced")
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "dynamic-"},
	}}
	created, err := client.Resource(maps).Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	key := namespace + "/" + created.GetName()
	if err := eventually("the informer sees "+key, func() bool { _, exists, _ := indexer.GetByKey(key); return exists }); err != nil {
		return err
	}
	onlyMetadata, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	partial, err := onlyMetadata.Resource(maps).Namespace(namespace).Get(ctx, created.GetName(), metav1.GetOptions{})
	if err != nil || partial.UID != created.GetUID() {
		return fmt.Errorf("metadata of %s: %v, %w", key, partial, err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	retrying, err := watchtools.NewRetryWatcherWithContext(short, created.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			seconds := int64(1)
			options.TimeoutSeconds = &seconds
			return client.Resource(maps).Namespace(namespace).Watch(ctx, options)
		},
	})
	if err != nil {
		return err
	}
	// Past the first watch's end, so that the second one has to carry on where it stopped.
	time.Sleep(1500 * time.Millisecond)
	if err := client.Resource(maps).Namespace(namespace).Delete(ctx, created.GetName(), metav1.DeleteOptions{}); err != nil {
		return err
	}
	for event := range retrying.ResultChan() {
		if event.Type == watch.Deleted {
			return nil
		}
	}
	return fmt.Errorf("the retrying watch never saw the deletion")
}

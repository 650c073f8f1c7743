package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/features"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
)

const (
	objects = 10_000
	writers = 16
	turned  = 500
	label   = "clients.example/informer"
)

// informerByPages reads 10,000 objects by pages of 500, then watches.
func informerByPages(ctx context.Context, config *rest.Config) error {
	return informer(ctx, config, false)
}

// informerByWatchList reads the same by one watch with sendInitialEvents.
func informerByWatchList(ctx context.Context, config *rest.Config) error {
	return informer(ctx, config, true)
}

type gates struct {
	features.Gates
	watchList bool
}

func (g gates) Enabled(feature features.Feature) bool {
	if feature == features.WatchListClient {
		return g.watchList
	}
	return g.Gates.Enabled(feature)
}

func informer(ctx context.Context, config *rest.Config, watchList bool) error {
	features.ReplaceFeatureGates(gates{features.FeatureGates(), watchList})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps(namespace)
	if err := fill(ctx, client); err != nil {
		return fmt.Errorf("creating %d objects: %w", objects, err)
	}

	var lists, pages, watches atomic.Int64
	var initialEvents atomic.Bool
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			lists.Add(1)
			options.LabelSelector = label
			// With resourceVersion "0" a server may ignore the limit; the pager then has one page.
			options.ResourceVersion = ""
			read := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				pages.Add(1)
				return maps.List(ctx, options)
			})
			read.PageSize = 500
			list, _, err := read.List(ctx, options)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			watches.Add(1)
			initialEvents.Store(initialEvents.Load() || options.SendInitialEvents != nil && *options.SendInitialEvents)
			options.LabelSelector = label
			return maps.Watch(ctx, options)
		},
	}
	shared := cache.NewSharedInformer(source, &corev1.ConfigMap{}, 0)
	var added, updated, deleted atomic.Int64
	var disorder error
	var once sync.Once
	_, err = shared.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { added.Add(1) },
		UpdateFunc: func(before, after any) {
			updated.Add(1)
			if newer(before, after) >= 0 {
				once.Do(func() { disorder = errors.New("an update went back in resourceVersion") })
			}
		},
		DeleteFunc: func(any) { deleted.Add(1) },
	})
	if err != nil {
		return err
	}
	started := time.Now()
	go shared.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), shared.HasSynced) {
		return errors.New("the informer never synced")
	}
	fmt.Fprintf(os.Stdout, "%d objects in %d ms, %d lists of %d pages\n",
		len(shared.GetStore().List()), time.Since(started).Milliseconds(), lists.Load(), pages.Load())
	if got := len(shared.GetStore().List()); got != objects {
		return fmt.Errorf("the informer has %d objects of %d", got, objects)
	}
	if watchList && (lists.Load() != 0 || !initialEvents.Load()) {
		return fmt.Errorf("client-go fell back to %d lists", lists.Load())
	}
	if !watchList && (lists.Load() != 1 || pages.Load() != objects/500) {
		return fmt.Errorf("%d lists of %d pages", lists.Load(), pages.Load())
	}

	if err := inParallel(turned, func(i int) error {
		patch := []byte(`{"data":{"turn":"1"}}`)
		if _, err := maps.Patch(ctx, name(i), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
		return maps.Delete(ctx, name(objects-1-i), metav1.DeleteOptions{})
	}); err != nil {
		return err
	}
	if err := eventually("the informer hears of each update and deletion", func() bool {
		return updated.Load() == turned && deleted.Load() == turned
	}); err != nil {
		return fmt.Errorf("%w: %d updates, %d deletions", err, updated.Load(), deleted.Load())
	}
	if added.Load() != objects || watches.Load() != 1 {
		return fmt.Errorf("%d additions, %d watches", added.Load(), watches.Load())
	}
	if err := maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: label}); err != nil {
		return err
	}
	if err := eventually("the informer is empty", func() bool { return len(shared.GetStore().List()) == 0 }); err != nil {
		return err
	}
	return disorder
}

func fill(ctx context.Context, client kubernetes.Interface) error {
	return inParallel(objects, func(i int) error {
		_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name(i), Labels: map[string]string{label: "true"}},
		}, metav1.CreateOptions{})
		return err
	})
}

func name(i int) string { return fmt.Sprintf("informed-%05d", i) }

func newer(a, b any) int {
	one, _ := a.(*corev1.ConfigMap)
	other, _ := b.(*corev1.ConfigMap)
	var x, y int64
	_, _ = fmt.Sscan(one.ResourceVersion, &x)
	_, _ = fmt.Sscan(other.ResourceVersion, &y)
	return int(x - y)
}

func inParallel(count int, do func(int) error) error {
	var next atomic.Int64
	failures := make(chan error, writers)
	for range writers {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= count {
					failures <- nil
					return
				}
				if err := do(i); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	var all []error
	for range writers {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}

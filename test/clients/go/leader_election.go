package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaderElection lets three candidates lead one after the other, each releasing the lock; never two at a time.
func leaderElection(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var leaders, terms atomic.Int64
	var overlap atomic.Bool
	ended := make(chan struct{})
	for i := range 3 {
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "clients-election"},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: fmt.Sprintf("candidate-%d", i)},
		}
		running, resign := context.WithCancel(ctx)
		defer resign()
		go func() {
			leaderelection.RunOrDie(running, leaderelection.LeaderElectionConfig{
				Lock: lock, ReleaseOnCancel: true,
				LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
				Callbacks: leaderelection.LeaderCallbacks{
					OnStartedLeading: func(context.Context) {
						overlap.Store(overlap.Load() || leaders.Add(1) > 1)
						terms.Add(1)
						time.Sleep(500 * time.Millisecond)
						leaders.Add(-1)
						resign()
					},
					OnStoppedLeading: func() {},
				},
			})
			ended <- struct{}{}
		}()
	}
	for range 3 {
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	lease, err := client.CoordinationV1().Leases(namespace).Get(ctx, "clients-election", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if overlap.Load() || terms.Load() != 3 || lease.Spec.LeaseTransitions == nil || *lease.Spec.LeaseTransitions < 2 {
		return errors.Join(errors.New("the election went wrong"), fmt.Errorf("%d terms, overlap %t, lease %v", terms.Load(), overlap.Load(), lease.Spec))
	}
	return nil
}

// Runs one of the cases against the cluster of $KUBECONFIG: `clients CASE`. A failure goes to stderr, with exit code 1.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const namespace = "default"

var cases = map[string]func(context.Context, *rest.Config) error{
	"informer-pages":     informerByPages,
	"informer-watchlist": informerByWatchList,
	"controller-runtime": controllerRuntime,
	"manager":            manager,
	"leader-election":    leaderElection,
	"metadata-dynamic":   metadataAndDynamic,
}

func main() {
	run, ok := cases[os.Args[1]]
	if !ok {
		fail(fmt.Errorf("no such case: %s", os.Args[1]))
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fail(err)
	}
	config.QPS = -1
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx, config); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// eventually fails with what it waited for when the condition does not become true in ten seconds.
func eventually(what string, condition func() bool) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return nil
		}
	}
	return fmt.Errorf("never came true: %s", what)
}

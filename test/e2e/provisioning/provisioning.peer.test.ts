// The suite on etcd, kube-apiserver and kube-controller-manager, with the controller as it runs in production.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countWrites } from "./count-writes.ts";
import { createAndDelete } from "./machine-life.ts";
import { PROVIDERS } from "./providers.ts";
import { openRealCluster } from "./real-cluster.ts";
import type { Site } from "./site.ts";
import { describeProvisioning, simplest } from "./suite.ts";

/**
 * The Machine, its intent, record, Node and Ready Node; its token; the Node's labels and certificate; three Events, two of
 * them of the MachineDeployment; deletion of Machine and Node, what a Machine so young waits for, and the finalizers.
 */
const MOST_WRITES = 15;

for (const provider of PROVIDERS) {
  let auditLog = "";
  const open = async (): Promise<Site> => {
    const opened = await openRealCluster(provider);
    auditLog = opened.auditLog;
    return opened.site;
  };
  describeProvisioning(provider, open, (site) => {
    test("one machine's life takes few writes", async () => {
      await createAndDelete(site(), simplest(provider, "alone"));
      // Asking for one's own permissions writes nothing, and is done once at the start.
      const writes = [...countWrites(auditLog, "machine-controller")].filter(
        ([what]) => !what.includes("accessreviews"),
      );
      site().log("written by the controller in the life of one MachineDeployment with one Machine:");
      for (const [what, count] of writes) site().log(`  ${count} × ${what}`);
      // Refused ones depend on who is first, and cost the API server little.
      const ofMachine = writes.filter(([what]) => /→ 20\d$/.test(what) && !/ machine(set|deployment)s\b/.test(what));
      const total = ofMachine.reduce((sum, [, count]) => sum + count, 0);
      site().log(`${total} of these, carried out, for the Machine, its Node, its token and its Events`);
      assert.ok(total > 0 && total <= MOST_WRITES, `${total} writes`);
    });
  });
}

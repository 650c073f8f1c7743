// On etcd, kube-apiserver and kube-controller-manager, scaled and looked at with kubectl.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { countWrites } from "../provisioning/count-writes.ts";
import { PROVIDERS } from "../provisioning/providers.ts";
import { openRealCluster, type RealCluster } from "../provisioning/real-cluster.ts";
import { DRAINS } from "./drains.ts";
import { ROLLOUTS } from "./rollouts.ts";

describe("rollouts", { concurrency: 8 }, () => {
  let cluster: RealCluster;
  before(async () => {
    const [provider] = PROVIDERS;
    if (provider === undefined) throw new Error("there is no provider to roll out with");
    cluster = await openRealCluster(provider);
  });
  after(async () => {
    if (cluster === undefined) return;
    const writes = [...countWrites(cluster.auditLog, "machine-controller")].filter(([what]) =>
      / machine(set|deployment)s\b/.test(what),
    );
    for (const [what, count] of writes) cluster.site.log(`${count} × ${what}`);
    await cluster.site.close();
  });

  for (const { name, run } of [...ROLLOUTS, ...DRAINS]) {
    test(name, () =>
      run(cluster.site, async ({ plural, group }, name, replicas) => {
        await cluster.kubectl("scale", `${plural}.${group}/${name}`, `--replicas=${replicas}`);
      }),
    );
  }
  test("kubectl get shows how far each is", async () => {
    const [deployments = "", sets = ""] = await Promise.all(
      ["machinedeployments", "machinesets"].map((plural) => cluster.kubectl("get", plural)),
    );
    assert.match(deployments, /^NAME +REPLICAS +AVAILABLE-REPLICAS +PROVIDER +OS +KUBELET +AGE +READY +UPDATED$/m);
    assert.match(sets, /^NAME +REPLICAS +AVAILABLE-REPLICAS +PROVIDER +OS +MACHINEDEPLOYMENT +KUBELET +AGE +READY$/m);
  });
});

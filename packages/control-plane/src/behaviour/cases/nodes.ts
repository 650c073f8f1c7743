/** Kubelets are held to what is theirs, and a Node's own rules. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { lease, node, pod } from "../manifests.ts";
import type { World } from "../world.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

function kubelet({ unique }: World) {
  const name = unique("n");
  return { name, as: { user: `system:node:${name}`, groups: ["system:nodes"] }, at: `/api/v1/nodes/${name}` };
}

export const nodeCases = behaviour("nodes", {
  "a kubelet registers its own Node and no other": async (world) => {
    const { name, as } = kubelet(world);
    expectBody(await world.call("POST", "/api/v1/nodes", { body: node(name), as }), 201);
    expectRefusal(await world.call("POST", "/api/v1/nodes", { body: node(`${name}-other`), as }), 403, {
      reason: "Forbidden",
      message: `nodes "${name}-other" is forbidden: node "${name}" is not allowed to modify node "${name}-other"`,
    });
  },
  "a kubelet reads its own Node and no other": async (world) => {
    const { name, as, at } = kubelet(world);
    await world.call("POST", "/api/v1/nodes", { body: node(name) });
    expectBody(await world.call("GET", at, { as }), 200);
    expectRefusal(await world.call("GET", `${at}-other`, { as }), 403, {
      reason: "Forbidden",
      message: new RegExp(
        `^nodes "${name}-other" is forbidden: User "system:node:${name}" cannot get resource "nodes" in API group "" at the cluster scope`,
      ),
    });
  },
  "a kubelet reports its status": async (world) => {
    const { name, as, at } = kubelet(world);
    await world.call("POST", "/api/v1/nodes", { body: node(name) });
    const conditions = [{ type: "Ready", status: "True" }];
    expectBody(await world.call("PATCH", `${at}/status`, { body: { status: { conditions } }, as }), 200);
    await world.call("POST", "/api/v1/nodes", { body: node(`${name}-x`) });
    expectBody(await world.call("PATCH", `${at}-x/status`, { body: { status: { phase: "Running" } }, as }), 403);
  },
  "a kubelet may not change its taints": async (world) => {
    const { name, as, at } = kubelet(world);
    await world.call("POST", "/api/v1/nodes", { body: node(name, { taints: [{ key: "a", effect: "NoSchedule" }] }) });
    expectRefusal(await world.call("PATCH", at, { body: { spec: { taints: null } }, as }), 403, {
      reason: "Forbidden",
      message: `nodes "${name}" is forbidden: node "${name}" is not allowed to modify taints`,
    });
  },
  "a kubelet may not set labels that are restricted": async (world) => {
    const { name, as, at } = kubelet(world);
    await world.call("POST", "/api/v1/nodes", { body: node(name) });
    const patch = (key: string) => world.call("PATCH", at, { body: { metadata: { labels: { [key]: "x" } } }, as });
    expectRefusal(await patch("node-restriction.kubernetes.io/a"), 403, {
      reason: "Forbidden",
      message: `nodes "${name}" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/a`,
    });
    expectRefusal(await patch("node-role.kubernetes.io/control-plane"), 403, {
      reason: "Forbidden",
      message: `nodes "${name}" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane`,
    });
    expectBody(await patch("topology.kubernetes.io/zone"), 200);
    expectBody(await patch("example.com/a"), 200);
  },
  "a kubelet holds its own Lease": async (world) => {
    const { name, as } = kubelet(world);
    expectBody(await world.call("POST", LEASES, { body: lease(name), as }), 201);
    expectRefusal(await world.call("POST", LEASES, { body: lease(`${name}-x`), as }), 403, {
      reason: "Forbidden",
      message: /can only access node lease with the same name as the requesting node/,
    });
    assert.equal((await world.call("GET", `${LEASES}/${name}-x`, { as })).status, 403);
  },
  "a kubelet deletes pods of its own and no others": async (world) => {
    const { name, as } = kubelet(world);
    await world.call("POST", "/api/v1/nodes", { body: node(name) });
    await world.call("POST", "/api/v1/nodes", { body: node(`${name}-x`) });
    const pods = world.path("pods");
    await world.call("POST", pods, { body: pod("mine", { nodeName: name }) });
    await world.call("POST", pods, { body: pod("other", { nodeName: `${name}-x` }) });
    expectBody(await world.call("DELETE", `${pods}/mine?gracePeriodSeconds=0`, { as }), 200);
    expectRefusal(await world.call("DELETE", `${pods}/other?gracePeriodSeconds=0`, { as }), 403, {
      reason: "Forbidden",
      message: new RegExp(`node "${name}" can only delete pods with spec.nodeName set to itself`),
    });
  },
  "a kubelet reads the Secrets its pods mention": async (world) => {
    const { name, as } = kubelet(world);
    const { call, path } = world;
    await call("POST", "/api/v1/nodes", { body: node(name) });
    for (const secret of ["used", "unused"])
      await call("POST", path("secrets"), { body: { metadata: { name: secret } } });
    const volumes = [{ name: "v", secret: { secretName: "used" } }];
    await call("POST", path("pods"), { body: pod("p", { nodeName: name, volumes }) });
    const deadline = performance.now() + 10_000;
    while ((await call("GET", `${path("secrets")}/used`, { as })).status !== 200)
      assert.ok(performance.now() < deadline);
    expectRefusal(await call("GET", `${path("secrets")}/unused`, { as }), 403, {
      reason: "Forbidden",
      message: new RegExp(`^secrets "unused" is forbidden: User "system:node:${name}" cannot get resource "secrets"`),
    });
    assert.equal((await call("GET", path("secrets"), { as })).status, 403);
  },
  "a new Node is tainted until it is ready": async ({ call, unique }) => {
    const body = expectBody(await call("POST", "/api/v1/nodes", { body: node(unique("n")) }), 201);
    assert.deepEqual(itemsAt(body, "spec.taints"), [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
  },
  "a taint is known by key and effect, once": async ({ call, unique }) => {
    const taint = { key: "a", effect: "NoSchedule" };
    const answer = await call("POST", "/api/v1/nodes", { body: node(unique("n"), { taints: [taint, taint] }) });
    expectInvalid(answer, [
      { field: "metadata.taints[1]", reason: "FieldValueDuplicate", message: /^Duplicate value: / },
    ]);
  },
  "a taint's effect is one of three": async ({ call, unique }) => {
    const taints = [{ key: "a", effect: "Sometimes" }];
    expectInvalid(await call("POST", "/api/v1/nodes", { body: node(unique("n"), { taints }) }), [
      {
        field: "metadata.taints[0].effect",
        reason: "FieldValueNotSupported",
        message: 'Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      },
    ]);
  },
});

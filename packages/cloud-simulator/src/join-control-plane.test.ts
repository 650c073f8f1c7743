import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { bootstrapKubeconfig, userDataFor } from "@machine-controller/bootstrap";
import { createControlPlane, serveControlPlane, type ControlPlane } from "@machine-controller/control-plane";
import { systemClock } from "./clock.ts";
import { connectOverNetwork } from "./connect-over-network.ts";
import { ConnectionError, type Connect } from "./handler.ts";
import { createMachineRoom } from "./machine-room.ts";
import { systemRandom } from "./random.ts";
import { openRecords } from "./records.ts";

const NAME = "workers-1";
const GROUP = "system:bootstrappers:machine-controller:default-node-token";
const TOKEN = { id: "abcdef", secret: "0123456789abcdef" };

/** The way into a control plane of the same process. */
function connectInProcess(controlPlane: ControlPlane): Connect {
  return ({ caCertificatePem, clientCertificatePem }) => {
    return (request) => {
      if (caCertificatePem?.trim() !== controlPlane.caCertificatePem.trim()) {
        throw new ConnectionError("UntrustedCertificate", "the CA is another one");
      }
      const connection = clientCertificatePem === undefined ? {} : { peerCertificatePem: clientCertificatePem };
      return controlPlane.handle(request, connection);
    };
  };
}

async function createCluster(t: TestContext, tokenLifetimeMs = 3_600_000): Promise<ControlPlane> {
  const controlPlane = await createControlPlane({ database: ":memory:", clock: systemClock, random: systemRandom });
  const stop = new AbortController();
  const running = controlPlane.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    controlPlane.close();
  });
  const data = Object.entries({
    "token-id": TOKEN.id,
    "token-secret": TOKEN.secret,
    expiration: new Date(systemClock.now() + tokenLifetimeMs).toISOString(),
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": GROUP,
  }).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  await create(controlPlane, "/api/v1/namespaces/kube-system/secrets", {
    metadata: { name: `bootstrap-token-${TOKEN.id}`, namespace: "kube-system" },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(data),
  });
  for (const role of ["system:node-bootstrapper", "system:certificates.k8s.io:certificatesigningrequests:nodeclient"]) {
    await create(controlPlane, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: `test:${role}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: GROUP }],
    });
  }
  return controlPlane;
}

async function create(controlPlane: ControlPlane, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${controlPlane.adminToken}`, "content-type": "application/json" };
  const response = await controlPlane.handle(
    new Request(`https://cluster${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
  );
  assert.equal(response.status, 201, await response.text());
}

type Answer = {
  spec?: { providerID?: string };
  status?: { conditions: { type: string; status: string }[]; nodeInfo: object };
};

async function getNode(controlPlane: ControlPlane): Promise<Answer> {
  const headers = { authorization: `Bearer ${controlPlane.adminToken}` };
  const response = await controlPlane.handle(new Request(`https://cluster/api/v1/nodes/${NAME}`, { headers }));
  return (await response.json()) as Answer;
}

/** Boots a machine with the user data of the real thing; settles when its console says `line`. */
async function bootUntil(
  t: TestContext,
  line: RegExp,
  options: { connect: Connect; server: string; caCertificatePem: string },
): Promise<void> {
  const { connect, server, caCertificatePem } = options;
  const stop = new AbortController();
  const said = Promise.withResolvers<void>();
  const lines: string[] = [];
  const room = createMachineRoom({
    records: openRecords(":memory:"),
    clock: systemClock,
    random: systemRandom,
    connect,
    timing: { bootMs: 1, readyMs: 1 },
    console(_, text) {
      lines.push(text);
      if (line.test(text)) said.resolve();
    },
  });
  const running = room.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  const token = `${TOKEN.id}.${TOKEN.secret}`;
  room.add({
    id: "1",
    name: NAME,
    userData: userDataFor({
      machine: {
        apiVersion: "cluster.k8s.io/v1alpha1",
        kind: "Machine",
        metadata: { name: NAME, namespace: "kube-system", uid: "u1" },
        spec: { providerSpec: {}, versions: { kubelet: "1.33.0" } },
      },
      providerSpec: { cloudProvider: "hetzner", cloudProviderSpec: {}, operatingSystem: "ubuntu" },
      bootstrapKubeconfig: bootstrapKubeconfig({ server, caCertificatePem, token }),
      caCertificatePem,
      clusterDns: ["10.96.0.10"],
      kubeletProviderId: "kubermatic://hetzner/u1",
      externalCloudProvider: false,
      kubeletFeatureGates: {},
      taints: [],
      hostnameOverride: true,
    }),
    addresses: [{ type: "ExternalIP", address: "198.18.0.1" }],
    cpus: 2,
    memoryMiB: 4096,
    diskGiB: 40,
    architecture: "amd64",
    osImage: "Ubuntu 24.04",
  });
  room.powerOn("1");
  const tooLate = systemClock.sleep(5000, { signal: stop.signal }).then(() => assert.fail(lines.join("\n")));
  tooLate.catch(() => {});
  await Promise.race([said.promise, tooLate]);
}

async function assertJoined(controlPlane: ControlPlane): Promise<void> {
  const { spec, status } = await getNode(controlPlane);
  assert.equal(spec?.providerID, "kubermatic://hetzner/u1");
  assert.partialDeepStrictEqual(status?.nodeInfo, { kubeletVersion: "v1.33.0", architecture: "amd64" });
  assert.equal(status?.conditions.find(({ type }) => type === "Ready")?.status, "True");
}

test("a machine with our user data joins a control plane in the same process", async (t) => {
  const controlPlane = await createCluster(t);
  const { caCertificatePem } = controlPlane;
  const connect = connectInProcess(controlPlane);
  await bootUntil(t, /is Ready/, { connect, server: "https://cluster", caCertificatePem });
  await assertJoined(controlPlane);
});

test("a machine with our user data joins a control plane over TLS", async (t) => {
  const controlPlane = await createCluster(t);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  t.after(() => served.close());
  const { caCertificatePem } = controlPlane;
  await bootUntil(t, /is Ready/, { connect: connectOverNetwork(), server: served.url, caCertificatePem });
  await assertJoined(controlPlane);
});

test("over TLS, a server that the given CA does not vouch for is never spoken to", async (t) => {
  const controlPlane = await createCluster(t);
  const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
  t.after(() => served.close());
  const { caCertificatePem } = await createCluster(t);
  const connect = connectOverNetwork();
  await bootUntil(t, /signed by unknown authority/, { connect, server: served.url, caCertificatePem });
});

test("an expired token does not let a machine in", async (t) => {
  const controlPlane = await createCluster(t, -1000);
  const { caCertificatePem } = controlPlane;
  const connect = connectInProcess(controlPlane);
  await bootUntil(t, /failed to bootstrap: Unauthorized \(401\)/, {
    connect,
    server: "https://cluster",
    caCertificatePem,
  });
});

test("a pod bound to a machine's Node runs, and does not outlive its deletion", async (t) => {
  const controlPlane = await createCluster(t);
  const pods = "/api/v1/namespaces/default/pods";
  const containers = [{ name: "c", image: "i" }];
  await create(controlPlane, pods, { metadata: { name: "a" }, spec: { nodeName: NAME, containers } });
  const { caCertificatePem } = controlPlane;
  const connect = connectInProcess(controlPlane);
  await bootUntil(t, /is Ready/, { connect, server: "https://cluster", caCertificatePem });
  const call = (method: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${controlPlane.adminToken}` };
    return controlPlane.handle(new Request(`https://cluster${pods}/a`, { method, headers }));
  };
  const until = async (isSo: (answer: Response) => Promise<boolean> | boolean): Promise<void> => {
    while (!(await isSo(await call("GET")))) await systemClock.sleep(20, { signal: t.signal });
  };
  await until(async (answer) => ((await answer.json()) as { status?: { phase: string } }).status?.phase === "Running");
  assert.equal((await call("DELETE")).status, 200);
  await until(({ status }) => status === 404);
});

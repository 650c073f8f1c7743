import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createCertificateRequest } from "./certificates.ts";
import { kubernetesRequest, type KubernetesEndpoint, type KubernetesRequest } from "./kubernetes-request.ts";
import { startRealControlPlane, type RealControlPlane } from "./real-control-plane.ts";

const BOOTSTRAP_GROUP = "system:bootstrappers:machine-controller:default-node-token";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

describe("the real control plane", () => {
  let controlPlane: RealControlPlane;
  let admin: KubernetesEndpoint;
  let anonymous: KubernetesEndpoint;

  before(async () => {
    const started = await startRealControlPlane({ auditLog: true });
    if ("skipped" in started) throw new Error(started.skipped);
    controlPlane = started;
    anonymous = { server: started.server, caCertificatePem: started.caCertificatePem };
    admin = { ...anonymous, token: started.adminToken };
  });
  after(() => controlPlane.stop());

  test("is Kubernetes v1.36.3", async () => {
    const { body } = await kubernetesRequest<Record<string, string>>(anonymous, { path: "/version" });
    assert.equal(body["gitVersion"], "v1.36.3");
    assert.deepEqual([body["major"], body["minor"]], ["1", "36"]);
  });

  test("serves the objects of a new custom resource", async () => {
    const path = "/apis/peers.example/v1/namespaces/default/widgets";
    await create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      metadata: { name: "widgets.peers.example" },
      spec: {
        group: "peers.example",
        scope: "Namespaced",
        names: { kind: "Widget", plural: "widgets" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
      },
    });
    await eventually(async () => (await kubernetesRequest(admin, { path })).status === 200);
    await create(path, { apiVersion: "peers.example/v1", kind: "Widget", metadata: { name: "first" } });
    assert.match(await kubectl("get", "widgets", "--output=name"), /^widget\.peers\.example\/first$/m);
  });

  test("lets a machine with a bootstrap token obtain the identity of a node", async () => {
    for (const role of [
      "system:node-bootstrapper",
      "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    ]) {
      await create(`${RBAC}/clusterrolebindings`, {
        metadata: { name: `machines-${role.split(":").at(-1)}` },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: BOOTSTRAP_GROUP }],
      });
    }
    const machine = { ...anonymous, token: await createBootstrapToken() };
    const { request, privateKey } = createCertificateRequest({
      commonName: "system:node:worker-1",
      organization: "system:nodes",
    });
    const csr = {
      metadata: { name: "worker-1" },
      spec: {
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
        request: Buffer.from(request).toString("base64"),
        usages: ["digital signature", "client auth"],
      },
    };
    await eventually(async () => (await post(machine, CSRS, csr)).status === 201);
    const certificatePem = await eventually(async () => {
      const { body } = await kubernetesRequest<{ status: { certificate?: string } }>(machine, {
        path: `${CSRS}/worker-1`,
      });
      return body.status.certificate && Buffer.from(body.status.certificate, "base64").toString();
    });
    assert.ok(new X509Certificate(certificatePem).verify(new X509Certificate(anonymous.caCertificatePem).publicKey));

    const node = { ...anonymous, client: { certificatePem, privateKeyPem: privateKey } };
    assert.equal((await post(node, "/api/v1/nodes", { metadata: { name: "worker-1" } })).status, 201);
    assert.equal((await post(node, "/api/v1/nodes", { metadata: { name: "worker-2" } })).status, 403);
  });

  test("publishes cluster-info to anybody, signed for each bootstrap token", async () => {
    const token = await createBootstrapToken();
    const data = await eventually(async () => {
      const path = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
      const { body } = await kubernetesRequest<{ data: Record<string, string> }>(anonymous, { path });
      return `jws-kubeconfig-${token.split(".")[0]}` in body.data && body.data;
    });
    assert.match(data["kubeconfig"] ?? "", new RegExp(`^    server: ${controlPlane.server}$`, "m"));
    const ca = Buffer.from(controlPlane.caCertificatePem).toString("base64");
    assert.ok(data["kubeconfig"]?.includes(`certificate-authority-data: ${ca}\n`));
    assert.match(data["kubeconfig"] ?? "", /^users: null$/m);
  });

  test("logs who asked for what", async () => {
    await kubectl("get", "configmaps", "--namespace=kube-public");
    const lines = await eventually(async () => {
      const lines = readFileSync(controlPlane.auditLogPath ?? "", "utf8").split("\n");
      return lines.find((line) => line.includes('"kubectl/v1.36.3') && line.includes('"namespace":"kube-public"'));
    });
    const event = JSON.parse(lines) as Record<string, unknown>;
    assert.deepEqual([event["stage"], event["verb"], event["level"]], ["ResponseComplete", "list", "Metadata"]);
  });

  test("leaves nothing behind when it is stopped, however often", async () => {
    const { pids, server, etcdEndpoint, kubeconfigPath } = controlPlane;
    for (const pid of Object.values(pids)) assert.ok(isAlive(pid));
    assert.ok((await isListening(server)) && (await isListening(etcdEndpoint)));
    await Promise.all([controlPlane.stop(), controlPlane.stop()]);
    await controlPlane.stop();
    for (const pid of Object.values(pids)) assert.ok(!isAlive(pid));
    assert.ok(!(await isListening(server)) && !(await isListening(etcdEndpoint)));
    assert.ok(!existsSync(kubeconfigPath));
  });

  async function post(endpoint: KubernetesEndpoint, path: string, body: KubernetesRequest["body"]) {
    return kubernetesRequest(endpoint, { method: "POST", path, ...(body && { body }) });
  }

  async function create(path: string, object: object): Promise<void> {
    const { status, body } = await post(admin, path, object);
    assert.equal(status, 201, JSON.stringify(body));
  }

  async function createBootstrapToken(): Promise<string> {
    const [id, secret] = [Math.random(), Math.random()].map((number) => number.toString(36).slice(2).padEnd(16, "0"));
    const token = { id: id?.slice(0, 6) ?? "", secret: secret?.slice(0, 16) ?? "" };
    await create("/api/v1/namespaces/kube-system/secrets", {
      metadata: { name: `bootstrap-token-${token.id}` },
      type: "bootstrap.kubernetes.io/token",
      stringData: {
        "token-id": token.id,
        "token-secret": token.secret,
        expiration: new Date(Date.now() + 60_000).toISOString(),
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": BOOTSTRAP_GROUP,
      },
    });
    return `${token.id}.${token.secret}`;
  }

  async function kubectl(...args: string[]): Promise<string> {
    const { kubeconfigPath } = controlPlane;
    const flags = [`--kubeconfig=${kubeconfigPath}`, `--cache-dir=${join(dirname(kubeconfigPath), "kubectl-cache")}`];
    const { stdout } = await promisify(execFile)(controlPlane.kubectl, [...flags, ...args]);
    return stdout;
  }
});

describe("a control plane that does not get to its stop()", () => {
  const folder = mkdtempSync(join(tmpdir(), "real-control-plane-test-"));
  before(() => {
    process.env["TMPDIR"] = folder;
  });
  after(() => {
    delete process.env["TMPDIR"];
    rmSync(folder, { recursive: true });
  });

  test("shows the log of the process that failed, and leaves nothing behind", async () => {
    await assert.rejects(startRealControlPlane({ controllers: ["no-such-controller"] }), {
      message: /^kube-controller-manager ended \(exit code 1\); the end of its log:\n[^]*no-such-controller/,
    });
    assert.deepEqual(readdirSync(folder), []);
  });

  test("stops when its signal is aborted while it starts", async () => {
    const controller = new AbortController();
    const started = startRealControlPlane({ signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await assert.rejects(started, { name: "AbortError" });
    assert.deepEqual(readdirSync(folder), []);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`is gone when its parent ends by ${signal}`, async () => {
      const parent = spawn(process.execPath, [
        "--disable-warning=ExperimentalWarning",
        join(import.meta.dirname, "real-control-plane.ts"),
      ]);
      let output = "";
      for await (const line of createInterface(parent.stdout)) {
        output += `${line}\n`;
        if (line.startsWith("# etcd")) break;
      }
      const kubeconfig = readFileSync(/KUBECONFIG=(.*)/.exec(output)?.[1] ?? "", "utf8");
      const servers = [/server: (.*)/.exec(kubeconfig)?.[1] ?? "", /etcd: (.*)/.exec(output)?.[1] ?? ""];
      for (const server of servers) assert.ok(await isListening(server));
      parent.kill(signal);
      assert.deepEqual(await once(parent, "exit"), [null, signal]);
      await eventually(async () => !(await Promise.all(servers.map(isListening))).includes(true));
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

/** The first truthy result of `attempt`; fails the test after 20 s. */
async function eventually<Result>(attempt: () => Promise<Result>): Promise<Exclude<Result, false | "" | undefined>> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const result = await attempt();
    if (result) return result as Exclude<Result, false | "" | undefined>;
    assert.ok(performance.now() < deadline, `never became true: ${attempt.toString()}`);
    await sleep(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

import "reflect-metadata";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { createControlPlane, serveControlPlane } from "../index.ts";
import { widget, widgetDefinition } from "./test-world.ts";

const OLDEST_MINOR = 28;

/** Paths of kubectl binaries by version, found on the PATH (`kubectl`, `kubectl.1.31`) and beside its link target. */
async function findKubectls(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const folders = new Set((process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""));
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((candidate) => /^kubectl(\.1\.\d+)?$/.test(candidate))) {
      const path = join(folder, name);
      const minor = await minorOf(path);
      if (minor >= OLDEST_MINOR) found.set(`1.${minor}`, path);
    }
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

async function minorOf(path: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)(path, ["version", "--client", "-o", "json"]);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } };
    return Number.parseInt(clientVersion.minor, 10);
  } catch {
    return 0;
  }
}

const kubectls = await findKubectls();

if (kubectls.size === 0) {
  test("kubectl", { skip: `no kubectl of version 1.${OLDEST_MINOR} or newer is on the PATH` }, () => {});
}

// One version is enough while working; `KUBECTL_VERSIONS=all` takes all that are there.
const chosen = process.env["KUBECTL_VERSIONS"] === "all" ? [...kubectls] : [...kubectls].slice(-1);

async function signingRequest(): Promise<unknown> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({ name: "CN=jane", keys, signingAlgorithm: algorithm });
  const request = Buffer.from(csr.toString("pem")).toString("base64");
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: "jane" },
    spec: { request, signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] },
  };
}

for (const [version, path] of chosen) {
  test(`kubectl ${version} finds what it expects`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "kubectl-test-"));
    const stop = new AbortController();
    const clock = {
      now: () => Date.now(),
      sleep: (ms: number, { signal }: { signal: AbortSignal }) => sleep(ms, undefined, { signal }),
    };
    const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
    const controlPlane = await createControlPlane({ database: ":memory:", clock, random });
    const served = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
    const running = controlPlane.run(stop.signal);
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await controlPlane.kubeconfig({ server: served.url }));
    t.after(async () => {
      stop.abort();
      await running;
      controlPlane.close();
      await served.close();
      await rm(folder, { recursive: true });
    });

    const run = async (args: string[], stdin = ""): Promise<{ out: string; error: string; code: number }> => {
      const child = promisify(execFile)(path, args, {
        env: { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: kubeconfig, KUBECTL_KUBERC: "false" },
        timeout: 20_000,
      });
      child.child.stdin?.end(stdin);
      try {
        const { stdout, stderr } = await child;
        return { out: stdout, error: stderr, code: 0 };
      } catch (error) {
        const failed = error as { stdout: string; stderr: string; code: number };
        return { out: failed.stdout, error: failed.stderr, code: failed.code };
      }
    };
    const expect = async (command: string, pattern: RegExp, stdin?: unknown): Promise<void> => {
      const text = stdin === undefined ? "" : JSON.stringify(stdin);
      const { out, error } = await run(command.split(" "), text);
      if (!pattern.test(out + error)) problems.push({ command, pattern: String(pattern), answer: out + error });
    };
    const problems: unknown[] = [];

    await expect("apply -f -", /widgets.example.com created/, widgetDefinition());
    await expect("wait --for=condition=Established crd/widgets.example.com", /condition met/);
    await expect("apply -f -", /widget.example.com\/a created/, widget("a"));
    await expect("apply -f -", /widget.example.com\/a configured/, widget("a", { size: 4 }));
    await expect("apply -f -", /widget.example.com\/a unchanged/, widget("a", { size: 4 }));
    await expect("get wd", /NAME +SIZE +AGE\na +4 +\d+s/);
    await expect("get wd -o wide", /NAME +SIZE +READY +AGE/);
    await expect("get widgets a -o yaml", /color: red\n/);
    await expect("get wd a -o jsonpath={.spec.size}", /^4$/);
    await expect("describe wd a", /Size: +4/);
    await expect("scale wd/a --replicas=3", /scaled/);
    await expect("get wd a -o jsonpath={.spec.replicas}", /^3$/);
    await expect("label wd a tier=front", /labeled/);
    await expect("annotate wd a note=x", /annotated/);
    await expect("get wd -l tier=front -o name", /^widget.example.com\/a\n$/);
    await expect('patch wd a --type=merge -p {"spec":{"size":5}}', /patched/);
    await expect('patch wd a --type=json -p [{"op":"replace","path":"/spec/size","value":6}]', /patched/);
    await expect("create -f -", /unknown field "spec.typo"/, widget("b", { size: 1, typo: 1 }));
    await expect(
      "create -f -",
      /spec.size: Invalid value: 99: spec.size in body should be less than or equal to 10/,
      widget("b", { size: 99 }),
    );
    await expect(
      "apply --server-side -f -",
      /conflict with "kubectl-patch" using example.com\/v1: .spec.size/,
      widget("a", { size: 8 }),
    );
    await expect("apply --server-side --force-conflicts -f -", /serverside-applied/, widget("a", { size: 8 }));
    await expect("explain widget.spec", /size\s+<integer> -required-/);
    await expect("api-resources --api-group=example.com", /widgets +wd +example.com\/v1 +true +Widget/);
    await expect("diff -f -", /\+  size: 7/, widget("a", { size: 7 }));
    await expect("replace -f -", /replaced/, {
      ...widget("a"),
      metadata: { name: "a", resourceVersion: await versionOf() },
    });
    await expect("create configmap settings --from-literal=k=v", /configmap\/settings created/);
    await expect("create secret generic token --from-literal=k=v", /secret\/token created/);
    await expect("get secret token -o jsonpath={.data.k}", /^dg==$/);
    await expect("create deployment web --image=nginx --replicas=2", /deployment.apps\/web created/);
    await expect("set image deployment/web nginx=nginx:2", /image updated/);
    await expect("get deployment web -o jsonpath={.spec.template.spec.containers[*].image}", /^nginx:2$/);
    await expect("create serviceaccount robot", /created/);
    await expect("create token robot", /^ey/);
    await expect("create namespace team", /created/);
    await expect("get ns", /team +Active/);
    await expect("create clusterrole reader --verb=get --resource=widgets.example.com", /created/);
    await expect("create clusterrolebinding reader --clusterrole=reader --serviceaccount=default:robot", /created/);
    await expect("auth can-i get pods", /^yes/);
    await expect("auth can-i get widgets.example.com --as=nobody", /^no/);
    await expect("auth whoami", /kubernetes-admin/);
    await expect("events", /No events found/);
    await expect("create -f -", /node\/n1 created/, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    await expect("cordon n1", /cordoned/);
    await expect("taint node n1 k=v:NoSchedule", /tainted/);
    await expect("get nodes", /n1 +Unknown,SchedulingDisabled/);
    const spec = { nodeName: "n1", containers: [{ name: "c", image: "i" }] };
    await expect("create -f -", /created/, { apiVersion: "v1", kind: "Pod", metadata: { name: "bound" }, spec });
    await expect("drain n1 --force --grace-period=0 --timeout=10s", /pod\/bound evicted[^]*node\/n1 drained/);
    await expect("create -f -", /created/, await signingRequest());
    await expect("certificate approve jane", /approved/);
    await expect("wait --for=jsonpath={.status.certificate} csr/jane --timeout=5s", /condition met/);
    await expect(
      "get csr",
      /jane +\d+s +kubernetes.io\/kube-apiserver-client +kubernetes-admin +<none> +Approved,Issued/,
    );
    await expect("run p --image=busybox", /pod\/p created/);
    await expect("get pods", /p +0\/1 +Pending/);
    await expect("delete pod p --now", /deleted/);
    await expect("delete ns team", /deleted/);
    await expect("delete wd a", /deleted/);
    await expect("wait --for=delete wd/a --timeout=5s", /^$/);
    await expect("delete crd widgets.example.com", /deleted/);
    await expect("version", /Server Version: v1\.36/);
    assert.deepEqual(problems, []);

    async function versionOf(): Promise<string> {
      return (await run(["get", "wd", "a", "-o", "jsonpath={.metadata.resourceVersion}"])).out;
    }
  });
}

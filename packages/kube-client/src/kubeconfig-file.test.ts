import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { readAccess } from "./kubeconfig-file.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "kubeconfig-file-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("of several files the first that names something counts, and paths are relative to their own", (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, "other"));
  const [first, second] = [join(folder, "first"), join(folder, "other/second")];
  writeFileSync(
    first,
    `
clusters: null
contexts: null
users:
- { name: robot, user: { tokenFile: robot-token } }
- { name: nobody, user: null }
current-context: ""
`,
  );
  writeFileSync(
    second,
    `
clusters:
- { name: c, cluster: { server: "https://here:6443", certificate-authority: ca.crt } }
users:
- { name: robot, user: { token: not-this } }
contexts:
- { name: main, context: { cluster: c, user: robot } }
- { name: nobody, context: { cluster: c } }
current-context: main
`,
  );
  const environment = { KUBECONFIG: [first, second].join(delimiter) };
  const cluster = { server: "https://here:6443", "certificate-authority": join(folder, "other/ca.crt") };
  assert.deepEqual(readAccess({ environment }), {
    cluster,
    user: { tokenFile: join(folder, "robot-token") },
    userName: "robot",
  });
  assert.deepEqual(readAccess({ environment, context: "nobody" }), { cluster, user: {}, userName: "anonymous" });
});

test("without a file a Pod is its service account, and anything else nobody", (t) => {
  const podFolder = folderOf(t);
  const environment = { HOME: podFolder, KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" };
  assert.equal(readAccess({ environment, podFolder }), undefined);
  writeFileSync(join(podFolder, "token"), "t");
  assert.deepEqual(readAccess({ environment, podFolder }), {
    cluster: { server: "https://[fd00::1]:6443", "certificate-authority": join(podFolder, "ca.crt") },
    user: { tokenFile: join(podFolder, "token") },
    userName: "the Pod's service account",
  });
  assert.equal(readAccess({ environment: { HOME: podFolder }, podFolder }), undefined);
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import type { CloudConfig } from "../cloud-config.ts";
import { TOKEN, machineFixture, requestFixture } from "../user-data-request.fixture.ts";
import type { UserDataRequest } from "../user-data-request.ts";
import { ubuntuUserData } from "./ubuntu.ts";

const documentOf = (changes: Partial<UserDataRequest> = {}) =>
  parse(ubuntuUserData(requestFixture(changes)), { version: "1.1" }) as CloudConfig;
const fileOf = (path: string, changes: Partial<UserDataRequest> = {}): string | undefined =>
  documentOf(changes).write_files?.find((file) => file.path === path)?.content;
const kubeletOf = (changes: Partial<UserDataRequest> = {}) =>
  fileOf("/etc/systemd/system/kubelet.service", changes) ?? "";
const withProviderSpec = (changes: Partial<UserDataRequest["providerSpec"]>) => ({
  providerSpec: { ...requestFixture().providerSpec, ...changes },
});
/** Everything that makes the document longer. */
const FULL: Partial<UserDataRequest> = {
  ...withProviderSpec({
    caPublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICertificateAuthorityOfTheOpsTeamxxxxxxxxxxxxx ca@example.com",
    network: { ipFamily: "IPv4+IPv6" },
    operatingSystemSpec: { distUpgradeOnBoot: true },
    sshPublicKeys: Array.from({ length: 3 }, (_, index) => `ssh-rsa ${"A".repeat(544)} ops-${index}@example.com`),
  }),
  machine: machineFixture({ versions: { kubelet: "v1.36.2" } }),
  cloudConfig: "[Global]\nregion = fsn1\n",
  clusterDns: ["10.96.0.10", "fd00::a"],
  kubeletFeatureGates: { NodeLogQuery: true },
  taints: [
    { key: "example.com/gpu", value: "yes", effect: "NoSchedule" },
    { key: "warming-up", effect: "NoExecute" },
  ],
};

// After a wanted change: node --test --test-update-snapshots <this file>, and read the difference.
test("the documents are those of the golden files", (t) => {
  const serializers = [(text: string) => text];
  t.assert.fileSnapshot(ubuntuUserData(requestFixture()), join(import.meta.dirname, "testdata/minimal.yaml"), {
    serializers,
  });
  t.assert.fileSnapshot(ubuntuUserData(requestFixture(FULL)), join(import.meta.dirname, "testdata/full.yaml"), {
    serializers,
  });
});

test("the longest usual document fits the smallest limit of any cloud, 16 KiB", () => {
  const bytes = Buffer.byteLength(ubuntuUserData(requestFixture(FULL)));
  assert.ok(bytes < 16_384, `${bytes} bytes`);
});

test("no path is written twice, and whatever units and commands call is there", () => {
  const { write_files: files = [], runcmd = [] } = documentOf(FULL);
  const paths = files.map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length);
  const executables = files.filter(({ permissions }) => permissions === "0755").map(({ path }) => path);
  const called = files.flatMap(({ content }) =>
    [...content.matchAll(/^Exec\w+=(\S+)/gm)].map(([, program]) => program ?? ""),
  );
  assert.deepEqual(
    called.filter((program) => !executables.includes(program)),
    ["/opt/bin/kubelet"],
  );
  assert.match(fileOf("/opt/bin/setup", FULL) ?? "", /install -m 0755 \S+ \/opt\/bin\/kubelet$/m);
  assert.ok(runcmd.includes("systemctl enable --now --no-block setup.service"));
});

test("what holds the token is readable by root alone", () => {
  for (const { path, content, permissions } of documentOf(FULL).write_files ?? []) {
    if (content.includes(TOKEN)) assert.equal(permissions, "0600", path);
  }
  assert.ok(fileOf("/etc/kubernetes/bootstrap-kubelet.conf")?.includes(TOKEN));
});

test("host and Node are named after the Machine, or both as the cloud named them", () => {
  assert.equal(documentOf().hostname, "workers-7d9f4c-x2k4q");
  assert.match(kubeletOf(), /^Environment=KUBELET_HOSTNAME=workers-7d9f4c-x2k4q$/m);
  assert.match(kubeletOf(), /--hostname-override=\$\{KUBELET_HOSTNAME\}/);
  assert.equal(documentOf({ hostnameOverride: false }).hostname, undefined);
  assert.doesNotMatch(kubeletOf({ hostnameOverride: false }), /KUBELET_HOSTNAME/);
});

test("a Machine whose name YAML 1.1 takes for a boolean keeps it", () => {
  assert.equal(documentOf({ machine: machineFixture({ metadata: { name: "on" } }) }).hostname, "on");
});

test("taints are there when the Node registers", () => {
  assert.match(kubeletOf(FULL), /--register-with-taints=example\.com\/gpu=yes:NoSchedule,warming-up:NoExecute$/m);
  assert.doesNotMatch(kubeletOf(), /--register-with-taints/);
});

test("the provider ID is left to a cloud-controller-manager where there is one", () => {
  assert.match(kubeletOf(), /--provider-id=kubermatic:\/\/hetzner\/3f6c/);
  const { kubeletProviderId: _, ...request } = requestFixture({ externalCloudProvider: true });
  const external = parse(ubuntuUserData(request)) as CloudConfig;
  const unit = external.write_files?.find(({ path }) => path.endsWith("kubelet.service"))?.content ?? "";
  assert.match(unit, /--cloud-provider=external/);
  assert.doesNotMatch(unit, /--provider-id/);
});

test("the kubelet is told its addresses in the order of the IP families", () => {
  const family = (ipFamily: "IPv4" | "IPv6" | "IPv6+IPv4") => withProviderSpec({ network: { ipFamily } });
  const script = (ipFamily: "IPv4" | "IPv6" | "IPv6+IPv4") => fileOf("/opt/bin/node-ip", family(ipFamily)) ?? "";
  assert.doesNotMatch(script("IPv4"), / -6 /);
  assert.doesNotMatch(script("IPv6"), / -4 /);
  assert.match(script("IPv6+IPv4"), /ip0=.* -6 .*\nip1=.* -4 .*\n.*=\$ip0,\$ip1"/);
  assert.doesNotMatch(kubeletOf({ ...family("IPv6+IPv4"), externalCloudProvider: true }), /--node-ip/);
  assert.match(fileOf("/etc/sysctl.d/99-kubernetes.conf", family("IPv6")) ?? "", /ipv6\.conf\.all\.forwarding = 1/);
});

test("the kubelet's configuration carries DNS servers, feature gates and annotated overrides", () => {
  const machine = machineFixture({}, { "v1.kubelet-config.machine-controller.kubermatic.io/MaxPods": "250" });
  const config = parse(fileOf("/etc/kubernetes/kubelet.conf", { ...FULL, machine }) ?? "") as Record<string, unknown>;
  assert.deepEqual(config["clusterDNS"], ["10.96.0.10", "fd00::a"]);
  assert.deepEqual(config["featureGates"], { NodeLogQuery: true });
  assert.equal(config["maxPods"], 250);
  assert.equal(config["protectKernelDefaults"], true);
});

test("overwriteCloudConfig wins over the generated cloud-config, and an empty one is not written", () => {
  const path = "/etc/kubernetes/cloud-config";
  assert.equal(fileOf(path), undefined);
  assert.equal(fileOf(path, { cloudConfig: "a" }), "a");
  assert.equal(fileOf(path, { cloudConfig: "a", ...withProviderSpec({ overwriteCloudConfig: "b" }) }), "b");
});

test("resolvers to fall back on are only for the cloud whose images need them", () => {
  const path = "/etc/systemd/resolved.conf.d/fallback.conf";
  assert.match(fileOf(path) ?? "", /1\.1\.1\.1#cloudflare-dns\.com/);
  assert.equal(fileOf(path, withProviderSpec({ cloudProvider: "openstack" })), undefined);
});

for (const [version, tag, crictl] of [
  ["1.33.0", "v1.33.0", "v1.33.0"],
  ["v1.36.2", "v1.36.2", "v1.36.0"],
  ["1.37.0-rc.1", "v1.37.0-rc.1", "v1.36.0"],
] as const) {
  test(`kubelet ${version} is installed as ${tag}, with crictl ${crictl}`, () => {
    const setup = fileOf("/opt/bin/setup", { machine: machineFixture({ versions: { kubelet: version } }) }) ?? "";
    assert.ok(setup.includes(`KUBE_VERSION="\${KUBE_VERSION:-${tag}}"`));
    assert.ok(setup.includes(`CRICTL_VERSION="\${CRICTL_VERSION:-${crictl}}"`));
  });
}

for (const version of ["1.33", "latest", "kubelet-1.33.0", "1.33.0+build", '1.33.0"; reboot; "', "v2.0.0"]) {
  test(`kubelet version ${version} is an error at its path`, () => {
    assert.throws(() => documentOf({ machine: machineFixture({ versions: { kubelet: version } }) }), {
      code: "InvalidMachine",
      path: "spec.versions.kubelet",
      message: /1\.36\.2/,
    });
  });
}

test("what a node could not obey is an error, not ignored", () => {
  const refused: [path: string, changes: Partial<UserDataRequest>][] = [
    ["spec.taints[0]", { taints: [{ key: "a", value: "b c", effect: "NoSchedule" }] }],
    ["spec.taints[0]", { taints: [{ key: "a", effect: "Never" }] }],
    ["spec.metadata.name", { machine: machineFixture({ metadata: { name: "a b\nExecStart=x" } }) }],
    ["spec.providerSpec.value.network", withProviderSpec({ network: { cidr: "10.0.0.2/24" } })],
  ];
  for (const [path, changes] of refused) {
    assert.throws(() => documentOf(changes), { code: "InvalidMachine", path });
  }
});

test("shellcheck has nothing to say about the scripts", (t) => {
  if (!isInstalled("shellcheck")) return t.skip("shellcheck is not installed");
  const scripts = (documentOf(FULL).write_files ?? []).filter(({ content }) => content.startsWith("#!"));
  assert.equal(scripts.length, 2);
  for (const { path, content } of scripts) {
    const { status, stdout } = spawnSync("shellcheck", ["-"], {
      input: content,
      encoding: "utf8",
    });
    assert.equal(status, 0, `${path}:\n${stdout}`);
  }
});

test("cloud-init's own schema accepts the document", (t) => {
  if (!isInstalled("cloud-init")) return t.skip("cloud-init is not installed");
  const folder = mkdtempSync(join(tmpdir(), "cloud-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "user-data");
  writeFileSync(path, ubuntuUserData(requestFixture(FULL)));
  const { status, stdout, stderr } = spawnSync("cloud-init", ["schema", "--config-file", path], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});

function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

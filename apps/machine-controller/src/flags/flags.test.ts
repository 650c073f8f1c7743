import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addFlags, type Flags, toFlagName, toLongFlags } from "./define-flags.ts";
import { RUN_FLAGS } from "./run-flags.ts";
import { WEBHOOK_FLAGS } from "./webhook-flags.ts";
import { UsageError } from "../usage-error.ts";

function parse(flags: Flags, args: readonly string[]): Record<string, unknown> {
  const command = addFlags(new Command("test"), flags)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse(toLongFlags(args), { from: "user" }).opts();
}

const gates = { RotateKubeletServerCertificate: true };
const at = (host: string, port: number) => ({ host, port });

type Row = [name: string, byDefault: unknown, given: string, becomes: unknown];

/** Both Go binaries' flags, with defaults and a value in Go's form: what their Deployments may pass. */
const GO_MACHINE_CONTROLLER: Row[] = [
  ["kubeconfig", "", "/etc/kubeconfig", "/etc/kubeconfig"],
  ["master", "", "https://10.0.0.1", "https://10.0.0.1"],
  ["worker-count", 128, "5", 5],
  ["health-probe-address", at("127.0.0.1", 8085), "0.0.0.0:8085", at("0.0.0.0", 8085)],
  ["metrics-address", at("127.0.0.1", 8080), ":8080", at("0.0.0.0", 8080)],
  ["name", "", "shard-1", "shard-1"],
  ["enable-leader-election", true, "f", false],
  ["leader-election-namespace", "kube-system", "", "kube-system"],
  ["join-cluster-timeout", 0, "25m", 1_500_000],
  ["bootstrap-token-service-account-name", "", "kube-system/boot", "kube-system/boot"],
  ["enable-profiling", false, "true", true],
  ["skip-eviction-after", 7_200_000, "1h30m", 5_400_000],
  ["override-bootstrap-kubelet-apiserver", "", "https://x", "https://x"],
  ["ca-bundle", "", "/etc/ca.pem", "/etc/ca.pem"],
  ["node-csr-approver", true, "false", false],
  ["node-port-range", "", "30000-32767", "30000-32767"],
  ["node-external-cloud-provider", false, "1", true],
  ["node-kubelet-feature-gates", gates, "A=true, B=false", { ...gates, A: true, B: false }],
  ["log-debug", false, "true", true],
  ["log-format", "json", "Console", "console"],
  ["cluster-dns", ["10.10.10.10"], "10.0.0.10, fd00::a", ["10.0.0.10", "fd00::a"]],
  ["use-external-bootstrap", true, "false", false],
  // Up to 1.59.
  ["use-osm", false, "true", true],
  ["pod-cidr", "", "172.25.0.0/16", "172.25.0.0/16"],
  ["node-kubelet-repository", "", "quay.io/kubelet", "quay.io/kubelet"],
  ...[
    "node-http-proxy",
    "node-no-proxy",
    "node-insecure-registries",
    "node-registry-mirrors",
    "node-pause-image",
    "node-container-runtime",
    "node-containerd-version",
    "node-containerd-registry-mirrors",
    "node-registry-credentials-secret",
  ].map((name): Row => [name, "", "anything", "anything"]),
];
const GO_WEBHOOK: Row[] = [
  ["kubeconfig", "", "/k", "/k"],
  ["master", "", "https://x", "https://x"],
  ["listen-address", at("0.0.0.0", 9876), "[::1]:60000", at("::1", 60_000)],
  ["tls-cert-path", "/tmp/cert/tls.crt", "/c", "/c"],
  ["tls-key-path", "/tmp/cert/tls.key", "/k", "/k"],
  ["ca-bundle", "", "/ca", "/ca"],
  ["namespace", "kube-system", "kubermatic", "kubermatic"],
  ["worker-cluster-kubeconfig", "", "/w", "/w"],
  ["use-external-bootstrap", true, "false", false],
  ["node-external-cloud-provider", false, "true", true],
  [
    "node-kubelet-feature-gates",
    gates,
    "RotateKubeletServerCertificate=false",
    { ...gates, RotateKubeletServerCertificate: false },
  ],
  ["log-debug", false, "T", true],
  ["log-format", "json", "JSON", "json"],
];

for (const [binary, flags, rows] of [
  ["machine-controller", RUN_FLAGS, GO_MACHINE_CONTROLLER],
  ["webhook", WEBHOOK_FLAGS, GO_WEBHOOK],
] as const) {
  test(`${binary}: every flag of the Go binary is taken in every form, with its default`, () => {
    const keyOf = (name: string): string =>
      Object.keys(flags).find((key) => toFlagName(key) === name) ?? assert.fail(`there is no flag -${name}`);
    for (const [name, byDefault, given, becomes] of rows) {
      const key = keyOf(name);
      const shown = `-${name}=${given}`;
      assert.deepEqual(parse(flags, [])[key], byDefault, `default of ${name}`);
      assert.deepEqual(parse(flags, [shown])[key], becomes, shown);
      assert.deepEqual(parse(flags, [`-${shown}`])[key], becomes, `-${shown}`);
      assert.deepEqual(parse(flags, [`-${name}`, given])[key], becomes, `-${name} ${given}`);
      assert.deepEqual(parse(flags, [shown, shown])[key], becomes, `twice ${shown}`);
      if (typeof byDefault === "boolean") assert.equal(parse(flags, [`-${name}`, "-log-debug"])[key], true, name);
    }
  });
}

test("the example Deployment's arguments are taken as they are", () => {
  const args =
    "-log-debug=false -log-format=json -worker-count=5 -node-csr-approver=true -cluster-dns=10.10.10.10 " +
    "-metrics-address=0.0.0.0:8080 -health-probe-address=0.0.0.0:8085 -join-cluster-timeout=25m";
  const { workerCount, joinClusterTimeout, nodeCsrApprover } = parse(RUN_FLAGS, args.split(" "));
  assert.deepEqual(
    { workerCount, joinClusterTimeout, nodeCsrApprover },
    { workerCount: 5, joinClusterTimeout: 1_500_000, nodeCsrApprover: true },
  );
});

test("what cannot be meant names the flag, the value and the form", () => {
  const wrong: [args: string, says: RegExp][] = [
    ["-worker-count=many", /^-worker-count: "many" is not a whole number$/],
    ["-worker-count=0", /^-worker-count: must be at least 1, is 0$/],
    ["-join-cluster-timeout=-5m", /^-join-cluster-timeout: must not be negative, is -5m$/],
    ["-skip-eviction-after=", /^-skip-eviction-after: "" is not a duration/],
    ["-join-cluster-timeout=25", /^-join-cluster-timeout: "25" is not a duration; use a form such as 30s/],
    ["-enable-leader-election=yes", /^-enable-leader-election: "yes" is not a boolean/],
    ["-metrics-address=8080", /^-metrics-address: "8080" is not an address; use host:port/],
    ["-bootstrap-token-service-account-name=a/b/c", /must have the form namespace\/name$/],
    ["-bootstrap-token-service-account-name=a", /must have the form namespace\/name$/],
    ["-node-kubelet-feature-gates=A", /^-node-kubelet-feature-gates: feature gate "A" must have the form/],
    ["-node-kubelet-feature-gates=A=maybe", /^-node-kubelet-feature-gates: "maybe" is not a boolean/],
    ["-log-format=xml", /^-log-format: "xml" is not a format; use JSON or console$/],
    ["-kubernetes-version-constraints=new", /^-kubernetes-version-constraints: "new" is not a version constraint/],
  ];
  for (const [args, says] of wrong) {
    assert.throws(
      () => parse(RUN_FLAGS, [args]),
      (error) => error instanceof UsageError && says.test(error.message),
      args,
    );
  }
});

test("an unknown flag is refused with the nearest name", () => {
  assert.throws(
    () => parse(RUN_FLAGS, ["-worker-cout=5"]),
    /unknown option '--worker-cout=5'\s+\(Did you mean --worker-count\?\)/,
  );
});

test("no address of a DNS service is the default's", () => {
  assert.deepEqual(parse(RUN_FLAGS, ["-cluster-dns="])["clusterDns"], ["10.10.10.10"]);
});

test("nothing switches off what may be off", () => {
  for (const off of ["-join-cluster-timeout=", "-join-cluster-timeout=0", "-metrics-address=0"]) {
    const [name = ""] = off.slice(1).split("=");
    const key = Object.keys(RUN_FLAGS).find((key) => toFlagName(key) === name) ?? "";
    assert.ok(!parse(RUN_FLAGS, [off])[key], off);
  }
});

test("help shows each flag that does something, its default, and no other", () => {
  const help = addFlags(new Command("run"), RUN_FLAGS).helpInformation();
  for (const [key, { group }] of Object.entries(RUN_FLAGS as Flags)) {
    assert.equal(new RegExp(`^ +--${toFlagName(key)} `, "m").test(help), group !== undefined, key);
  }
  assert.match(help, /Machines:[^]*--skip-eviction-after <duration>[^]*\(default: 2h\)/);
});

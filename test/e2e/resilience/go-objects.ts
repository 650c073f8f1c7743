// A cluster as the Go implementation leaves it: its objects with every field in the form that its typed writes give them.
import { createHash } from "node:crypto";
import { API_VERSION, LABEL_NODE_OWNER, LABEL_TEMPLATE_HASH, providerIdOf } from "@machine-controller/api/well-known";
import { customResourceDefinitions } from "@machine-controller/api";
import { machineDeployments, machines, machineSets } from "@machine-controller/controllers";
import { coreResources, isKubeError, type KubeObject, type Resource } from "@machine-controller/kube-client";
import { type Fleet, NAME, NAMESPACE, type Server, TOKEN } from "./fleet.ts";

/** What another implementation writes is of our types only if they are right. */
type Written = KubeObject & Record<string, unknown>;

const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const REVISION = "2";
const LABELS = { name: NAME };
const KUBELET = "v1.36.2";

export type GoCluster = {
  /** Names of Machines with a server and a Ready Node. */
  readonly running: readonly string[];
  /** One that the Go implementation was about to make a server for. */
  readonly unborn: string;
  /** One that it was about to delete the server of. */
  readonly dying: string;
};

export async function writeGoCluster(fleet: Fleet): Promise<GoCluster> {
  await useSchemas(fleet, false);
  const set = nameOfSet("2871638123");
  const names = {
    running: ["7xk2p", "b4tqz", "w9dlm"].map((end) => `${set}-${end}`),
    unborn: `${set}-h5c8n`,
    dying: `${set}-z2vrq`,
  };
  const deployment = await write(fleet, machineDeployments, deploymentOf(names.running.length + 1));
  const old = await write(
    fleet,
    machineSets,
    setOf(deployment, { hash: "1402339876", revision: "1", replicas: 0, kubelet: "v1.35.4" }),
  );
  const current = await write(
    fleet,
    machineSets,
    setOf(deployment, { hash: "2871638123", revision: REVISION, replicas: names.running.length + 1, kubelet: KUBELET }),
  );
  await writeBootstrapSecret(fleet);
  for (const name of [...names.running, names.dying]) await writeMachine(fleet, current, { name, isRunning: true });
  await writeMachine(fleet, current, { name: names.unborn, isRunning: false });
  await fleet.client.delete(machines, { namespace: NAMESPACE, name: names.dying }, fleet);
  const counts = { replicas: 4, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
  await writeStatus(fleet, [machineSets, current], { ...counts, fullyLabeledReplicas: 4 });
  await writeStatus(fleet, [machineSets, old], { replicas: 0, observedGeneration: 1 });
  await writeStatus(fleet, [machineDeployments, deployment], { ...counts, updatedReplicas: 4, unavailableReplicas: 1 });
  await useSchemas(fleet, true);
  return names;
}

/** The Go implementation's definitions check nothing; ours are applied on top of what it has stored. */
async function useSchemas({ client, signal }: Fleet, ours: boolean): Promise<void> {
  for (const definition of customResourceDefinitions as unknown as Written[]) {
    const { versions } = definition["spec"] as { versions: Record<string, unknown>[] };
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    const body = { spec: { versions: ours ? versions : versions.map((version) => ({ ...version, schema })) } };
    const ref = { name: definition.metadata.name ?? "" };
    await client.patch(coreResources.customResourceDefinitions, ref, { type: "merge", body }, { signal });
  }
}

const nameOfSet = (hash: string): string =>
  `${NAME}-${Array.from(hash, (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("")}`;

const templateOf = (kubelet: string, labels: Record<string, string>): object => ({
  metadata: { creationTimestamp: null, labels },
  spec: {
    metadata: { creationTimestamp: null },
    providerSpec: {
      value: {
        cloudProvider: "hetzner",
        cloudProviderSpec: { location: "nbg1", serverType: "cx23", token: TOKEN },
        operatingSystem: "ubuntu",
        operatingSystemSpec: { distUpgradeOnBoot: false },
        sshPublicKeys: null,
      },
    },
    versions: { kubelet },
  },
});

const deploymentOf = (replicas: number): Written => ({
  apiVersion: API_VERSION,
  kind: "MachineDeployment",
  metadata: {
    name: NAME,
    namespace: NAMESPACE,
    annotations: { "k8c.io/operating-system-profile": "osp-ubuntu", [REVISION_KEY]: REVISION },
    finalizers: ["foregroundDeletion", "kubermatic.io/cleanup-operating-system-configs"],
  },
  spec: {
    minReadySeconds: 0,
    progressDeadlineSeconds: 600,
    replicas,
    revisionHistoryLimit: 1,
    selector: { matchLabels: LABELS },
    strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }, type: "RollingUpdate" },
    template: templateOf(KUBELET, LABELS),
  },
});

const REVISION_KEY = "machinedeployment.clusters.k8s.io/revision";

function setOf(
  deployment: Written,
  { hash, revision, replicas, kubelet }: { hash: string; revision: string; replicas: number; kubelet: string },
): Written {
  const labels = { [LABEL_TEMPLATE_HASH]: hash, ...LABELS };
  return {
    apiVersion: API_VERSION,
    kind: "MachineSet",
    metadata: {
      name: nameOfSet(hash),
      namespace: NAMESPACE,
      labels,
      annotations: {
        "k8c.io/operating-system-profile": "osp-ubuntu",
        [REVISION_KEY]: revision,
        "machinedeployment.clusters.k8s.io/desired-replicas": "4",
        "machinedeployment.clusters.k8s.io/max-replicas": "5",
      },
      finalizers: ["foregroundDeletion"],
      ownerReferences: [controllerReference(deployment)],
    },
    spec: { minReadySeconds: 0, replicas, selector: { matchLabels: labels }, template: templateOf(kubelet, labels) },
  };
}

const controllerReference = ({ apiVersion, kind, metadata: { name = "", uid = "" } }: KubeObject) => ({
  apiVersion,
  blockOwnerDeletion: true,
  controller: true,
  kind,
  name,
  uid,
});

async function writeMachine(
  fleet: Fleet,
  set: Written,
  { name, isRunning }: { name: string; isRunning: boolean },
): Promise<void> {
  const { template } = set["spec"] as { template: { metadata: { labels: Record<string, string> }; spec: object } };
  const machine = await write(fleet, machines, {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: NAMESPACE,
      labels: template.metadata.labels,
      finalizers: ["machine-delete-finalizer", "machine-node-delete-finalizer"],
      ownerReferences: [controllerReference(set)],
    },
    spec: { ...template.spec, metadata: { creationTimestamp: null, name } },
  });
  if (!isRunning) return;
  const { uid = "" } = machine.metadata;
  const server = await createServer(fleet, { name, uid });
  const address = server.public_net.ipv4?.ip ?? "";
  const node = await write(fleet, coreResources.nodes, nodeOf({ name, uid, address }));
  const status = {
    addresses: [{ address, type: "ExternalIP" }],
    conditions: [{ lastHeartbeatTime: null, lastTransitionTime: null, status: "True", type: "Ready" }],
    nodeRef: {
      apiVersion: "v1",
      kind: "Node",
      name,
      resourceVersion: node.metadata.resourceVersion,
      uid: node.metadata.uid,
    },
    versions: { kubelet: KUBELET },
  };
  const body = { spec: { providerID: providerIdOf("hetzner", uid) }, status };
  await fleet.client.patch(machines, { namespace: NAMESPACE, name }, { type: "merge", body }, fleet);
}

function nodeOf({ name, uid, address }: { name: string; uid: string; address: string }): Written {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", [LABEL_NODE_OWNER]: uid },
      annotations: { "cluster.k8s.io/machine": `${NAMESPACE}/${name}` },
    },
    spec: { providerID: providerIdOf("hetzner", uid) },
    status: {
      addresses: [
        { type: "InternalIP", address },
        { type: "Hostname", address: name },
      ],
      conditions: [
        { type: "Ready", status: "True", reason: "KubeletReady", lastTransitionTime: "2026-01-01T00:00:00Z" },
      ],
      nodeInfo: {
        architecture: "amd64",
        bootID: "",
        containerRuntimeVersion: "containerd://2.2.0",
        kernelVersion: "6.8.0",
        kubeProxyVersion: "",
        kubeletVersion: KUBELET,
        machineID: "",
        operatingSystem: "linux",
        osImage: "Ubuntu 24.04 LTS",
        systemUUID: "",
      },
    },
  };
}

/** With the label by which the Go implementation finds it again. */
async function createServer(
  { cloudUrl, signal }: Fleet,
  { name, uid }: { name: string; uid: string },
): Promise<Server & { public_net: { ipv4: { ip: string } | null } }> {
  const labels = { "machine-uid": uid };
  const response = await fetch(`${cloudUrl}/v1/servers`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ name, server_type: "cx23", image: "ubuntu-24.04", location: "nbg1", labels }),
    signal,
  });
  if (response.status !== 201) throw new Error(`creating server ${name}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { server: Server & { public_net: { ipv4: { ip: string } | null } } }).server;
}

async function writeBootstrapSecret(fleet: Fleet): Promise<void> {
  const cloudConfig = "#cloud-config\nhostname: <MACHINE_NAME>\n";
  await write(fleet, coreResources.secrets, {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    immutable: true,
    metadata: {
      name: `${NAME}-${NAMESPACE}-bootstrap-config`,
      namespace: "cloud-init-settings",
      annotations: {
        "k8c.io/machine-deployment-revision": REVISION,
        "k8c.io/mdannotations-hash": createHash("sha1").update(NAME).digest("hex"),
        "k8c.io/osp-version": "v1.8.0",
      },
    },
    data: { "cloud-config": Buffer.from(cloudConfig).toString("base64") },
  });
}

/** A changed definition takes a moment to be served. */
async function write({ client, signal }: Fleet, resource: Resource, object: Written): Promise<Written> {
  for (let tries = 0; ; tries++) {
    try {
      return (await client.create(resource, object, { signal })) as Written;
    } catch (error) {
      if (tries === 50 || !isKubeError(error, "Invalid")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function writeStatus(
  { client, signal }: Fleet,
  [resource, { metadata }]: [Resource, Written],
  status: object,
): Promise<void> {
  const ref = { namespace: NAMESPACE, name: metadata.name ?? "" };
  await client.patch(resource, ref, { type: "merge", body: { status } }, { subresource: "status", signal });
}

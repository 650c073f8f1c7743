/** Approves the serving certificates that kubelets of Machines ask for: on events alone, each request in one write. */
import { instanceNameOf, type Machine } from "@machine-controller/api";
import { LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import {
  type CertificateSigningRequest,
  coreResources,
  isKubeError,
  type KubeClient,
  type Node,
} from "@machine-controller/kube-client";
import { type Clock, type Controller, createController, type Informer, keyOf } from "@machine-controller/kube-runtime";
import type { Log } from "../log.ts";
import { isSettled, judge, nodeNameOf, SIGNER } from "./judge.ts";

export type NodeCsrApproverOptions = {
  client: KubeClient;
  clock: Clock;
  log: Log;
  /** `-name`: the shard of Machines to handle. */
  name: string;
  concurrency: number;
  informers: {
    /** Selected by `CSR_FIELD_SELECTOR`, with `CSR_INDEXES`. */
    csrs: Informer<CertificateSigningRequest>;
    machines: Informer<Machine>;
    nodes: Informer<Node>;
  };
};

export const CSR_FIELD_SELECTOR = `spec.signerName=${SIGNER}`;
export const CSR_INDEXES = {
  /** Requests that nobody has settled, by the Node that asks. */
  openOfNode: (csr: CertificateSigningRequest) => (isSettled(csr) ? [] : [nodeNameOf(csr) ?? ""]),
};

/** The words of the Go implementation, for whoever looks for them. */
const REASON = "machine-controller NodeCSRApprover controller approved node serving cert";

export function createNodeCsrApprover(options: NodeCsrApproverOptions): Controller {
  const { client, log, clock, informers } = options;
  const { csrs, machines, nodes } = informers;

  /** By the Node's label; before it has one, by what the Machine says. */
  function machineOf(name: string, node: Node | undefined): Machine | undefined {
    const owner = node?.metadata.labels?.[LABEL_NODE_OWNER];
    const owning = owner === undefined ? undefined : machines.store.byUid(owner);
    return owning ?? machines.store.byIndex("nodeName", name)[0] ?? machines.store.byIndex("instanceName", name)[0];
  }

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<void> {
    const csr = csrs.store.getByKey(key);
    if (csr === undefined || isSettled(csr)) return;
    const name = nodeNameOf(csr) ?? "";
    const node = nodes.store.get(undefined, name);
    const machine = machineOf(name, node);
    const claimants = machines.store.byIndex("nodeName", name);
    const verdict = await judge(csr, { machine, node, claimants, shard: options.name });
    if (verdict.verdict !== "approve") return log("debug", `${verdict.verdict}: ${verdict.why}`, { csr: key });
    const message = `The request is of the kubelet of Machine ${machine && keyOf(machine)}.`;
    const approved = { type: "Approved", status: "True" as const, reason: REASON, message };
    const status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), approved] };
    try {
      const written = await client.update(
        coreResources.certificateSigningRequests,
        { ...csr, status },
        { subresource: "approval", signal },
      );
      csrs.observe(written);
    } catch (error) {
      if (isKubeError(error, "NotFound")) return;
      throw error;
    }
    log("info", "approved a serving certificate", { csr: key, node: name, machine: machine && keyOf(machine) });
  }

  const controller = createController({
    name: "node-csr-approver",
    concurrency: options.concurrency,
    clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      log(isKubeError(error, "Conflict") ? "debug" : "warn", message, { csr: key, retryInMs });
    },
  });

  const lookAgain = (name: string): void => {
    for (const csr of csrs.store.byIndex("openOfNode", name)) controller.enqueue(keyOf(csr));
  };
  csrs.onChange(({ type, object }) => {
    if (type !== "deleted" && !isSettled(object)) controller.enqueue(keyOf(object));
  });
  nodes.onChange((change) => {
    const { name = "", labels } = change.object.metadata;
    const isSame =
      change.type === "updated" && change.old.metadata.labels?.[LABEL_NODE_OWNER] === labels?.[LABEL_NODE_OWNER];
    if (!isSame) lookAgain(name);
  });
  machines.onChange(({ object }) => {
    const owned = nodes.store.byIndex("owner", object.metadata.uid ?? "").map(({ metadata }) => metadata.name ?? "");
    const names = new Set([object.status?.nodeRef?.name ?? "", instanceNameOf(object), ...owned]);
    for (const name of names) if (name !== "") lookAgain(name);
  });
  return controller;
}

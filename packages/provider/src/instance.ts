import type { NodeAddress } from "@machine-controller/api";

export const INSTANCE_STATUSES = ["creating", "running", "deleting", "unknown"] as const;
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number];

/** A cloud instance as its provider sees it. */
export type Instance = {
  /** Provider-native ID, never empty. */
  readonly id: string;
  readonly name: string;
  /** What a cloud-controller-manager writes to `node.spec.providerID`; undefined where there is none. */
  readonly providerId?: string;
  /** UID of the Machine that the instance is marked with; undefined when it bears no mark of ours. */
  readonly machineUid: string | undefined;
  /**
   * UID of the cluster whose controller made it; undefined where its mark does not say, as with instances that the Go
   * implementation made. Clusters may share an account: without this nobody can say whose an instance is.
   */
  readonly clusterUid?: string | undefined;
  readonly addresses: readonly NodeAddress[];
  readonly status: InstanceStatus;
  /** Dependants that deletion must clean up after, by kind: kept on the Machine and handed back to `cleanup`. */
  readonly resources?: Readonly<Record<string, string>>;
};

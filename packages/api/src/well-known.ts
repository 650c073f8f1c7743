/**
 * Every name that is part of the wire contract: shared with the Go machine-controller, with kubectl users, with the
 * cluster-autoscaler and with nodes. Changing a value here breaks clusters that exist.
 */

export const GROUP = "cluster.k8s.io";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Finalizers of a Machine: the first holds it until the instance is gone, the second until its Node is. */
export const FINALIZER_INSTANCE = "machine-delete-finalizer";
export const FINALIZER_NODE = "machine-node-delete-finalizer";
/** Finalizer of a RHEL Machine: holds it until its system is taken out of its subscription. */
export const FINALIZER_RED_HAT = "kubermatic.io/red-hat-subscription";
/** Held by MachineSets and MachineDeployments: the garbage collector removes their dependants first. */
export const FINALIZER_FOREGROUND = "foregroundDeletion";

/** Label of a Machine: only the controller started with the same `-name` handles it. */
export const LABEL_CONTROLLER = "machine.k8s.io/controller";
/** Label of a Node: UID of the Machine it belongs to. */
export const LABEL_NODE_OWNER = "machine-controller/owned-by";
/** Label of MachineSets and Machines of one MachineDeployment: the hash of the template they were made from. */
export const LABEL_TEMPLATE_HASH = "machine-template-hash";
/** Label of a Node (through `Machine.spec.metadata.labels`): its operating system. */
export const LABEL_OPERATING_SYSTEM = "v1.machine-controller.kubermatic.io/operating-system";
/** Label of a bootstrap token Secret: the name of the Machine that may use it. */
export const LABEL_TOKEN_MACHINE = "machine.k8s.io/machine.name";

/** Annotation of a Machine: any non-empty value pauses its provisioning. */
export const ANNOTATION_INITIALIZERS = "machine-controller.kubermatic.io/initializers";
/** Annotation of a Node: its pods are not evicted when its Machine is deleted. Presence is enough. */
export const ANNOTATION_SKIP_EVICTION = "kubermatic.io/skip-eviction";
/**
 * Annotation of a Machine, or for all of theirs of a MachineSet or MachineDeployment: what becomes of the pods of its Node
 * when it is deleted. `Drain`: they are evicted, and once the drain timeout is over the instance goes with those left.
 * `NeverForce`: the instance waits for them however long it takes. `Skip`: the instance goes at once.
 */
export const ANNOTATION_DRAIN_POLICY = "machine-controller/drain-policy";
export const DRAIN_POLICIES = ["Drain", "NeverForce", "Skip"] as const;
export type DrainPolicy = (typeof DRAIN_POLICIES)[number];
/** Annotation on the same objects: how long pods are evicted, a Go duration; `-skip-eviction-after` where there is none. */
export const ANNOTATION_DRAIN_TIMEOUT = "machine-controller/drain-timeout";
/**
 * Annotation on the same objects: how long after the drain the instance waits for its volumes to be detached, a Go
 * duration; `0s` does not wait. 6m where there is none, as long as Kubernetes itself waits before it detaches by force.
 */
export const ANNOTATION_VOLUME_DETACH_TIMEOUT = "machine-controller/volume-detach-timeout";
/** Annotation of a Node, read by the cluster-autoscaler: `<namespace>/<name>` of its Machine. */
export const ANNOTATION_NODE_MACHINE = "cluster.k8s.io/machine";
/** Annotation of a Machine, set by the cluster-autoscaler: deleted first when its MachineSet shrinks. */
export const ANNOTATION_DELETE_MACHINE = "cluster.k8s.io/delete-machine";
/** Annotation of a Machine: one update of its spec may pass the immutability rule. */
export const ANNOTATION_BYPASS_IMMUTABILITY = "kubermatic.io/bypass-no-spec-mutation-requirement";

/** Annotation of MachineSets and MachineDeployments, set by a person: the cluster-autoscaler may scale up to so many. */
export const ANNOTATION_AUTOSCALER_MAX_SIZE = "cluster.k8s.io/cluster-api-autoscaler-node-group-max-size";
/** Annotations of the same, `<prefix>/<what>`, from which the cluster-autoscaler knows a Node that does not exist yet. */
export const ANNOTATION_PREFIX_CAPACITY = "capacity.cluster-autoscaler.kubernetes.io";
/** Annotation of the same: the capacity annotations that the controller gave, with their values, as JSON. */
export const ANNOTATION_SYNCED_CAPACITY = "machine-controller/synced-capacity";

/** Annotations of a Machine, `<prefix>/<gate>`: whether its kubelet runs with that feature gate. */
export const ANNOTATION_PREFIX_FEATURE_GATES = "v1.kubelet-featuregates.machine-controller.kubermatic.io";
/** Annotation of a Machine: whether a cloud-controller-manager looks after its Node. */
export const ANNOTATION_EXTERNAL_CLOUD_PROVIDER =
  "v1.kubelet-flags.machine-controller.kubermatic.io/ExternalCloudProvider";

/** Annotation of a Machine: the create intent (`CreateIntent` as JSON). Written before a cloud is asked to create. */
export const ANNOTATION_CREATE_INTENT = "machine-controller/create-intent";
/** Annotation of a Machine: its instance (`InstanceRecord` as JSON). Written right after create answered. */
export const ANNOTATION_INSTANCE = "machine-controller/instance";
/**
 * Annotation of a Machine: the labels, annotations and taints that its Node has from it, with the values last given, as
 * JSON. Not on the Node, whose kubelet could then name any taint as ours to remove.
 */
export const ANNOTATION_SYNCED_TO_NODE = "machine-controller/synced-to-node";
/**
 * Annotation of a Machine, set by a person: `"true"` gives the instance up. The Machine is then deleted without asking
 * the cloud, and whatever instance exists is that person's to remove.
 */
export const ANNOTATION_ABANDON = "machine-controller/abandon";
/** Annotation of a Machine, set by a person: the instance ID which that person confirms to be gone. */
export const ANNOTATION_CONFIRM_GONE = "machine-controller/confirm-gone";

/** Annotations of MachineDeployments and MachineSets that carry a rollout. */
export const ANNOTATION_REVISION = "machinedeployment.clusters.k8s.io/revision";
export const ANNOTATION_REVISION_HISTORY = "machinedeployment.clusters.k8s.io/revision-history";
export const ANNOTATION_DESIRED_REPLICAS = "machinedeployment.clusters.k8s.io/desired-replicas";
export const ANNOTATION_MAX_REPLICAS = "machinedeployment.clusters.k8s.io/max-replicas";
/**
 * Annotation of a MachineDeployment, set by a person: the revision to go back to (`"3"`; `"0"`: the one before). The
 * controller puts that revision's template into `spec.template`, removes the annotation and says in an event what came of
 * it; the rollout then goes as the strategy says. A revision is one that a MachineSet of the deployment carries or has in
 * its history. To apply the old manifest again does the same: its MachineSet is taken up, whatever its age.
 */
export const ANNOTATION_ROLLBACK_TO = "machine-controller/rollback-to";
/** Annotation of a MachineSet: keys of the annotations copied from its MachineDeployment, comma-separated, sorted. */
export const ANNOTATION_COPIED = "machine-controller/copied-annotations";
/**
 * Annotation of a MachineSet whose template was changed in place: what earlier templates gave its Machines and this one
 * does not (`RemovedMetadata` as JSON).
 */
export const ANNOTATION_REMOVED_METADATA = "machine-controller/removed-metadata";
export const ANNOTATION_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Where an operating-system-manager puts the user data of a MachineDeployment; it wins over our own. */
export const BOOTSTRAP_NAMESPACE = "cloud-init-settings";
export const bootstrapSecretName = (machineDeployment: string, namespace: string): string =>
  `${machineDeployment}-${namespace}-bootstrap-config`;
/** Annotation of that Secret: the MachineDeployment revision it was made for. */
export const ANNOTATION_BOOTSTRAP_REVISION = "k8c.io/machine-deployment-revision";
/** Group that per-Machine bootstrap tokens authenticate as, beside `system:bootstrappers`. */
export const BOOTSTRAP_GROUP = "system:bootstrappers:machine-controller:default-node-token";

/** Values of `status.errorReason`. */
export const MACHINE_ERROR_REASONS = [
  "InvalidConfiguration",
  "UnsupportedChange",
  "InsufficientResources",
  "CreateError",
  "UpdateError",
  "DeleteError",
  "JoinClusterTimeoutError",
] as const;
export type MachineErrorReason = (typeof MACHINE_ERROR_REASONS)[number];

/** `providerID` of Nodes and Machines where no cloud-controller-manager sets one. */
export const providerIdOf = (provider: string, machineUid: string): string => `kubermatic://${provider}/${machineUid}`;

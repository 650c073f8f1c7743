/**
 * Talks to a Kubernetes API: typed verbs, watches, patches and errors over any transport. Knows no Machine, caches nothing.
 *
 * ```ts
 * const { client, close } = await connectKubeconfig({});
 * const node = await client.get(coreResources.nodes, { name: "worker-1" }, { signal });
 * await client.patch(coreResources.nodes, { name: "worker-1" }, { type: "merge", body: { spec: { unschedulable: true } } }, { signal });
 * await close();
 * ```
 */
export { startDeadline, untilAborted, type DeadlineOptions } from "./cancellation.ts";
export { systemClock, type Clock } from "./clock.ts";
export {
  coreResources,
  type CertificateSigningRequest,
  type Condition,
  type ConfigMap,
  type CustomResourceDefinition,
  type DaemonSet,
  type Event,
  type Lease,
  type Namespace,
  type Node,
  type NodeAddress,
  type NodeSystemInfo,
  type ObjectReference,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Secret,
  type Taint,
  type VolumeAttachment,
} from "./core-resources.ts";
export {
  createKubeClient,
  type DeleteOptions,
  type KubeClient,
  type ListOptions,
  type ListPage,
  type ListPageOptions,
  type Patch,
  type WatchOptions,
} from "./kube-client.ts";
export { connectKubeconfig, type ConnectOptions } from "./kubeconfig.ts";
export { KubeError, isKubeError, kubeErrorCodes, type KubeErrorCode, type StatusDetails } from "./kube-error.ts";
export type { KubeObject, ObjectMeta, ObjectRef, OwnerReference } from "./object.ts";
export { apiVersionOf, defineResource, resourcePath, type Resource } from "./resource.ts";
export { inProcess, withBearerToken, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";
export type { WatchEvent } from "./watch-stream.ts";

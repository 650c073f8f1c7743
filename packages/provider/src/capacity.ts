/** What an instance made from a spec has, before the kubelet takes its share. */
export type Capacity = {
  readonly cpus: number;
  /** As the vendor sells it; the operating system sees a little less. */
  readonly memoryMiB: number;
  readonly diskMiB?: number;
  readonly architecture: "amd64" | "arm64";
  /** `resource` as a device plugin names it, for example `nvidia.com/gpu`. */
  readonly gpus?: { readonly count: number; readonly resource: string };
  /** Well-known labels that the cloud's cloud-controller-manager gives a Node of it. */
  readonly labels: Readonly<Record<string, string>>;
};

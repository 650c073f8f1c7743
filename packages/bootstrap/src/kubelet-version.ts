import { BootstrapError } from "./bootstrap-error.ts";

export type KubeletVersion = { /** With a leading `v`, as release paths have it. */ tag: string; minor: number };

/** @throws BootstrapError `InvalidMachine` unless the version can name a published release. */
export function parseKubeletVersion(version: string): KubeletVersion {
  const match = /^v?(1\.(\d+)\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(version.trim());
  if (match === null) {
    throw new BootstrapError(
      "InvalidMachine",
      `spec.versions.kubelet: ${JSON.stringify(version)} is not the version of a Kubernetes release, such as 1.36.2`,
      { path: "spec.versions.kubelet" },
    );
  }
  return { tag: `v${match[1]}`, minor: Number(match[2]) };
}

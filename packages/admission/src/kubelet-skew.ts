/** Kubernetes' version skew policy: a kubelet is never newer than its API server, and at most some minors older. */
import semver from "semver";

/**
 * The reason to refuse a kubelet version; undefined where there is none, or where a version cannot be read: that a version
 * is one at all is another rule's matter, and a server that says nothing must not stop Machines.
 */
export function kubeletSkewRule(
  kubelet: string,
  { minors, serverVersion }: { minors: number; serverVersion: string | undefined },
): string | undefined {
  const node = semver.coerce(kubelet);
  const server = semver.coerce(serverVersion);
  if (node === null || server === null) return undefined;
  const behind = (server.major - node.major) * 1_000 + server.minor - node.minor;
  if (behind < 0) return `is newer than the API server (${serverVersion}); upgrade the control plane first`;
  if (behind > minors) {
    return `is more than ${minors} minor versions older than the API server (${serverVersion}); use a newer one`;
  }
  return undefined;
}

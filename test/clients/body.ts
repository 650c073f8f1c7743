// What the clients are let loose on: the embedded control plane, or with CLIENTS_AGAINST=real etcd and kube-apiserver, to
// see that an expectation is one of Kubernetes and not one of ours.
import type { TestContext } from "node:test";
import { startRealControlPlane } from "../peers/real-control-plane.ts";
import { startEmbeddedProcess } from "./embedded-process.ts";

export interface Body {
  /** A file with the credentials of an administrator. */
  kubeconfigPath: string;
  stop(): Promise<void>;
}

export async function startBody(): Promise<Body> {
  if (process.env["CLIENTS_AGAINST"] !== "real") {
    const { kubeconfigPath, stop, log } = await startEmbeddedProcess();
    return {
      kubeconfigPath,
      async stop() {
        await stop();
        const failures = log()
          .split("\n")
          .filter((line) => line.includes('"level":"error"'));
        if (failures.length > 0) throw new Error(`the server logged failures:\n${failures.join("\n")}`);
      },
    };
  }
  const peer = await startRealControlPlane();
  if ("skipped" in peer) throw new Error(peer.skipped);
  return peer;
}

/** A body for one test. */
export async function startBodyFor(t: TestContext): Promise<Body> {
  const body = await startBody();
  t.after(() => body.stop());
  return body;
}

// What the clients are let loose on: the embedded control plane, or with CLIENTS_AGAINST=real etcd and kube-apiserver, to
// see that an expectation is one of Kubernetes and not one of ours.
import type { TestContext } from "node:test";
import { startRealControlPlane } from "../peers/real-control-plane.ts";
import { startEmbeddedProcess, type EmbeddedOptions } from "./embedded-process.ts";

export interface Body {
  /** A file with the credentials of an administrator. */
  kubeconfigPath: string;
  /** The API server dies as SIGKILL lets it and comes back with what it had, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function startBody(): Promise<Body> {
  return process.env["CLIENTS_AGAINST"] === "real" ? startRealBody() : startEmbeddedBody();
}

/** `stop` throws if the server logged failures. */
export async function startEmbeddedBody(options: EmbeddedOptions = {}): Promise<Body> {
  const { kubeconfigPath, killAndRestart, stop, log } = await startEmbeddedProcess(options);
  return {
    kubeconfigPath,
    restart: killAndRestart,
    async stop() {
      await stop();
      const failures = log()
        .split("\n")
        .filter((line) => line.includes('"level":"error"'));
      if (failures.length > 0) throw new Error(`the server logged failures:\n${failures.join("\n")}`);
    },
  };
}

export async function startRealBody(): Promise<Body> {
  const peer = await startRealControlPlane();
  if ("skipped" in peer) throw new Error(peer.skipped);
  return { kubeconfigPath: peer.kubeconfigPath, restart: peer.restartApiserver, stop: peer.stop };
}

/** A body for one test. */
export async function startBodyFor(t: TestContext): Promise<Body> {
  const body = await startBody();
  t.after(() => body.stop());
  return body;
}

/**
 * An embedded, single-node Kubernetes API server on SQLite. It knows the built-in kinds that machines need and learns
 * others from CustomResourceDefinitions; it runs no workloads.
 *
 *     const controlPlane = await createControlPlane({ database: ":memory:", clock, random });
 *     const running = controlPlane.run(signal);
 *     const { url } = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
 *     await writeFile("kubeconfig", await controlPlane.kubeconfig({ server: url }));
 */
export type { CallWebhook, WebhookCall } from "./admission/call.ts";
export { createHttpsTransport } from "./admission/https-transport.ts";
export type { Clock } from "./clock.ts";
export type { Random } from "./random.ts";
export { createControlPlane } from "./control-plane.ts";
export type { ControlPlane, ControlPlaneOptions } from "./control-plane.ts";
export { serveControlPlane } from "./http/serve.ts";
export type { ServedControlPlane, ServeOptions } from "./http/serve.ts";
export type { Connection } from "./security/authenticate.ts";
export { createAuthorityKeys } from "./security/certificate-authority.ts";
export type { KeyPair } from "./security/certificate-authority.ts";
export type { LogLine } from "./log-line.ts";
export { StorageError } from "./storage/storage-error.ts";
export type { StorageErrorCode } from "./storage/storage-error.ts";

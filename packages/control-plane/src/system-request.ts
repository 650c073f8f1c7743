/** Requests the server makes to itself: its own controllers and bootstrap, past authentication but through the verbs. */
import { copyJson } from "./object.ts";
import type { JsonObject, KubeObject, Manifest } from "./object.ts";
import { viewStored } from "./registry/conversion.ts";
import type { Resource } from "./registry/resource.ts";
import { SYSTEM } from "./security/user.ts";
import type { Server } from "./server.ts";
import { StatusError } from "./status-error.ts";
import { changeObject } from "./verbs/change.ts";
import { keyOf } from "./verbs/context.ts";
import type { Context } from "./verbs/context.ts";
import { insert } from "./verbs/create.ts";
import { removeObject } from "./verbs/delete.ts";
import { write } from "./verbs/write.ts";

export type Target = { resource: Resource; namespace?: string; name: string };

function systemContext(server: Server, target: Target, verb = "update"): Context {
  return {
    server,
    resource: target.resource,
    verb,
    namespace: target.namespace ?? "",
    name: target.name,
    subresource: "",
    query: new URLSearchParams(),
    headers: new Headers({ "user-agent": "kube-controller-manager" }),
    user: SYSTEM,
    signal: server.closing,
    body: async () => new Uint8Array(),
    warnings: [],
  };
}

/** Not to be changed. */
export function read(server: Server, target: Target): KubeObject | undefined {
  const stored = server.storage.get({
    resource: target.resource.storage,
    namespace: target.namespace ?? "",
    name: target.name,
  });
  return stored === undefined ? undefined : viewStored(stored, target.resource);
}

/** Creates the objects that are not there yet, in one transaction; no manager is remembered. Existing ones are left. */
export async function ensureObjects(server: Server, manifests: readonly Manifest[]): Promise<void> {
  const targets = manifests.map((manifest) => ({ manifest, target: targetOf(server, manifest) }));
  if (targets.every(({ target }) => read(server, target) !== undefined)) return;
  await server.storage.write((transaction) => {
    for (const { manifest, target } of targets) {
      const context = systemContext(server, target, "create");
      if (transaction.get(keyOf(context)) === undefined) {
        insert(context, transaction, { object: copyJson(manifest) as KubeObject, managedFields: [] });
      }
    }
  });
}

/** Brings the objects to what the manifests say, creating those that are missing. */
export async function replaceObjects(server: Server, manifests: readonly Manifest[]): Promise<void> {
  await ensureObjects(server, manifests);
  for (const manifest of manifests) {
    const { metadata: _metadata, ...fields } = manifest;
    await changeStored(server, targetOf(server, manifest), (old) => ({ ...old, ...fields }));
  }
}

/** Changes an object as a controller does; an object that is gone or changed under its feet is left to the next pass. */
export async function changeStored(
  server: Server,
  target: Target & { scope?: "main" | "status" | "approval" | "finalize" },
  next: (old: KubeObject) => KubeObject,
): Promise<void> {
  const { scope = "main" } = target;
  const context = { ...systemContext(server, target), subresource: scope === "main" ? "" : scope };
  await write(context, {}, (transaction, admitted) => changeObject(admitted, transaction, { scope, next })).catch(
    ignore("NotFound", "Conflict"),
  );
}

export async function removeStored(server: Server, target: Target, options: JsonObject = {}): Promise<void> {
  const context = systemContext(server, target, "delete");
  await write(context, { deleteOptions: options }, (transaction, admitted) =>
    removeObject(admitted, transaction, options),
  ).catch(ignore("NotFound", "Conflict"));
}

/** The built-in resource a controller works on; it is always there. */
export function builtIn(server: Server, apiVersion: string, plural: string): Resource {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  const resource = server.registry.find(group, version, plural);
  if (resource === undefined) throw new StatusError("InternalError", `${apiVersion} ${plural} is not served`);
  return resource;
}

function targetOf(server: Server, manifest: Manifest): Target {
  const { apiVersion, kind, metadata } = manifest;
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  const resource = server.registry.findKind(group, version, kind);
  if (resource === undefined) throw new StatusError("InternalError", `${apiVersion} ${kind} is not served`);
  return {
    resource,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  };
}

function ignore(...reasons: string[]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof StatusError) || !reasons.includes(error.reason)) throw error;
  };
}

/** Creates the objects of YAML manifests, or merges them into those that exist. */
import { readFileSync } from "node:fs";
import {
  defineResource,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type Resource,
} from "@machine-controller/kube-client";
import { parseAllDocuments } from "yaml";
import { UsageError } from "../usage-error.ts";

/** @throws UsageError where a file cannot be read or is no manifest. */
export function readManifests(path: string): KubeObject[] {
  try {
    return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document, index) => {
      if (document.errors[0]) throw document.errors[0];
      const object = document.toJS() as KubeObject | null;
      if (object === null) return [];
      if (!object.apiVersion || !object.kind || !object.metadata?.name) {
        throw new Error(`document ${index + 1} has no apiVersion, kind or metadata.name`);
      }
      return [object];
    });
  } catch (cause) {
    throw new UsageError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Applies in the given order; a kind's definition must come before its objects. */
export async function applyManifests(
  client: KubeClient,
  objects: readonly KubeObject[],
  { signal }: { signal: AbortSignal },
): Promise<void> {
  for (const object of objects) {
    const resource = await resourceOf(client, object, signal);
    const { name = "", namespace = "default" } = object.metadata;
    const placed = resource.namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
    try {
      await client.create(resource, placed, { signal });
    } catch (error) {
      if (!isKubeError(error, "AlreadyExists")) throw error;
      const ref = { name, ...(resource.namespaced && { namespace }) };
      await client.patch(resource, ref, { type: "merge", body: placed }, { signal });
    }
  }
}

const DISCOVERY_TRIES = 50;

/** Asks the API server which resource a kind is; a definition just created takes a moment to be served. */
async function resourceOf(
  client: KubeClient,
  { apiVersion, kind }: KubeObject,
  signal: AbortSignal,
): Promise<Resource> {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  for (let tries = 0; tries < DISCOVERY_TRIES; tries++) {
    const response = await client
      .request(group ? `/apis/${apiVersion}` : `/api/${apiVersion}`, { signal })
      .catch((error: unknown) => {
        if (!isKubeError(error, "NotFound")) throw error;
      });
    const { resources = [] } = ((await response?.json()) ?? {}) as {
      resources?: { name: string; kind: string; namespaced: boolean }[];
    };
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (found) return defineResource({ group, version, kind, plural: found.name, namespaced: found.namespaced });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new UsageError(`the API server serves no kind ${kind} of ${apiVersion}`);
}

/** A custom kind for the cases that need one. */
import { itemsAt } from "./expect.ts";
import type { JsonObject } from "../object.ts";
import type { World } from "./world.ts";

export const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export function widgetVersion(): JsonObject {
  return {
    name: "v1",
    served: true,
    storage: true,
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: {
            type: "object",
            required: ["size"],
            properties: {
              size: { type: "integer", minimum: 1, maximum: 10 },
              replicas: { type: "integer", default: 1 },
              color: { type: "string", enum: ["red", "blue"], default: "red" },
              free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              port: { "x-kubernetes-int-or-string": true },
              note: { type: "string", nullable: true },
              selector: { type: "string" },
            },
          },
          status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    },
    subresources: {
      status: {},
      scale: {
        specReplicasPath: ".spec.replicas",
        statusReplicasPath: ".status.replicas",
        labelSelectorPath: ".spec.selector",
      },
    },
    additionalPrinterColumns: [
      { name: "Size", type: "integer", jsonPath: ".spec.size" },
      { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status', priority: 1 },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  };
}

export type DefinitionOptions = {
  plural?: string;
  scope?: "Namespaced" | "Cluster";
  /** Works on the version of `widgetVersion`. */
  change?: (version: JsonObject) => void;
  /** In place of that one version. */
  versions?: JsonObject[];
  names?: JsonObject;
};

/** The kind is the plural without its s, capitalized. */
export function definition({ group }: Pick<World, "group">, options: DefinitionOptions = {}): JsonObject {
  const { plural = "widgets", scope = "Namespaced", change = () => {}, names = {} } = options;
  const version = widgetVersion();
  change(version);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, kind: kindOf(plural), ...names },
      versions: options.versions ?? [version],
    },
  };
}

/** Creates the kind once for the topic, waits until it is served, and returns the path of its objects. */
export async function installWidgets(world: World, options: DefinitionOptions = {}): Promise<string> {
  const { group, path, once } = world;
  const { plural = "widgets", scope } = options;
  const version = (options.versions?.[0]?.["name"] ?? "v1") as string;
  await once(plural, () => install(world, definition(world, options)));
  return scope === "Cluster" ? `/apis/${group}/${version}/${plural}` : path(`${group}/${version}/${plural}`);
}

export async function install(world: World, body: JsonObject): Promise<void> {
  const { call, until } = world;
  const created = await call("POST", DEFINITIONS, { body });
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
  await until(`${DEFINITIONS}/${created.body.metadata.name}`, (object) =>
    itemsAt(object, "status.conditions").some(({ type, status }) => type === "Established" && status === "True"),
  );
  for (const { name, served } of itemsAt(body, "spec.versions")) {
    const [plural, ...group] = created.body.metadata.name.split(".");
    if (served === true) {
      await until(`/apis/${group.join(".")}/${String(name)}/${plural ?? ""}`, (list) => Array.isArray(list?.["items"]));
    }
  }
}

export function widget({ group }: Pick<World, "group">, name: string, spec: JsonObject = { size: 3 }): JsonObject {
  return { apiVersion: `${group}/v1`, kind: "Widget", metadata: { name }, spec };
}

function kindOf(plural: string): string {
  return `${plural.charAt(0).toUpperCase()}${plural.slice(1, -1)}`;
}

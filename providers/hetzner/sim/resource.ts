/** What networks, firewalls, placement groups and SSH keys have in common: a unique name, labels, list to delete. */
import { Hono } from "hono";
import type { Collection } from "@machine-controller/cloud-simulator";
import { notFound, notUnique } from "./errors.ts";
import { readInput, type Input } from "./input.ts";
import { bySelector, listResponse, type ListingOptions } from "./listing.ts";
import type { ProjectEnv } from "./project.ts";
import { inProject, nextId, type Cloud, type Kind, type Named } from "./state.ts";

export type ResourceOptions<T extends Named> = {
  kind: Kind;
  /** As messages call it. */
  what: string;
  /** The key of one in an answer, and of a list of them. */
  keys: [one: string, many: string];
  collection: Collection<T>;
  view: (resource: T) => object;
  filters?: NonNullable<ListingOptions<T>["filters"]>;
  /** Reads the fields of its own, reporting problems to the input; the result then completes a checked resource. */
  read: (input: Input, project: string) => (base: Named) => T;
  /** What the answer to a creation holds beside the resource. */
  created?: (resource: T) => object;
  /** Throws if it must stay. */
  checkDelete?: (resource: T) => void;
  /** Takes it from what refers to it, before it is gone. */
  detach?: (resource: T) => void;
};

export function findResource<T extends Named>(options: ResourceOptions<T>, project: string, id: string): T {
  const resource = options.collection.get(id);
  if (resource?.project !== project) throw notFound(options.what, id);
  return resource;
}

export function resourceRoutes<T extends Named>(cloud: Cloud, options: ResourceOptions<T>): Hono<ProjectEnv> {
  const { collection, what, view } = options;
  const [one, many] = options.keys;

  const checkUnique = (project: string, name: string): void => {
    for (const other of inProject(collection, project)) if (other.name === name) throw notUnique(what, "name");
  };

  return new Hono<ProjectEnv>()
    .get("/", (c) => {
      const url = new URL(c.req.url);
      return listResponse({
        key: many,
        url,
        items: bySelector(inProject(collection, c.var.project), url),
        view,
        sortable: ["id", "name", "created"],
        filters: { name: ({ name }) => name, ...options.filters },
      });
    })
    .post("/", async (c) => {
      const { project } = c.var;
      const input = await readInput(c.req.raw);
      const name = input.requiredText("name");
      const labels = input.labels() ?? {};
      const complete = options.read(input, project);
      input.check();
      checkUnique(project, name);
      return cloud.records.transaction(() => {
        const id = nextId(cloud, options.kind);
        const resource = complete({ id, project, name, labels, created: cloud.clock.now() });
        collection.put(String(id), resource);
        return c.json({ [one]: view(resource), ...options.created?.(resource) }, 201);
      });
    })
    .get("/:id{[0-9]+}", (c) => c.json({ [one]: view(findResource(options, c.var.project, c.req.param("id"))) }))
    .put("/:id{[0-9]+}", async (c) => {
      const input = await readInput(c.req.raw);
      const resource = findResource(options, c.var.project, c.req.param("id"));
      const name = input.text("name") ?? resource.name;
      const labels = input.labels() ?? resource.labels;
      input.check();
      if (name !== resource.name) checkUnique(c.var.project, name);
      const changed = { ...resource, name, labels };
      collection.put(String(resource.id), changed);
      return c.json({ [one]: view(changed) });
    })
    .delete("/:id{[0-9]+}", (c) => {
      const resource = findResource(options, c.var.project, c.req.param("id"));
      options.checkDelete?.(resource);
      return cloud.records.transaction(() => {
        options.detach?.(resource);
        collection.delete(String(resource.id));
        return c.body(null, 204);
      });
    });
}

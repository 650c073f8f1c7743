/** Actions: results of requests that take time. Progress follows from the clock, so nothing has to run for it. */
import { Hono } from "hono";
import { invalidInput, notFound } from "./errors.ts";
import { listResponse } from "./listing.ts";
import { inProject, nextId, toTimestamp, type ActionRecord, type Cloud } from "./state.ts";
import type { ProjectEnv } from "./project.ts";

export type ActionStart = {
  project: string;
  command: string;
  resources: { id: number; type: string }[];
  /** When it starts and ends; default: now, and the usual time later. */
  started?: number;
  finishes?: number;
};

export function startAction(cloud: Cloud, action: ActionStart): ActionRecord {
  const started = action.started ?? cloud.clock.now();
  const failure = cloud.failures.find(({ command, times }) => command === action.command && times > 0);
  if (failure !== undefined) failure.times -= 1;
  const record: ActionRecord = {
    id: nextId(cloud, "action"),
    project: action.project,
    command: action.command,
    resources: action.resources,
    started,
    finishes: action.finishes ?? started + cloud.timing.actionMs,
    ...(failure !== undefined && {
      error: { code: failure.code ?? "action_failed", message: failure.message ?? "Action failed" },
    }),
  };
  cloud.actions.put(String(record.id), record);
  return record;
}

export function actionView(action: ActionRecord, now: number): object {
  const { id, command, resources, started, finishes, error } = action;
  const isFinished = now >= finishes;
  const share = Math.max(0, now - started) / Math.max(1, finishes - started);
  return {
    id,
    command,
    status: statusOfAction(action, now),
    progress: isFinished ? 100 : Math.min(99, Math.floor(share * 100)),
    started: toTimestamp(started),
    finished: isFinished ? toTimestamp(finishes) : null,
    resources,
    error: isFinished ? (error ?? null) : null,
  };
}

function statusOfAction({ finishes, error }: ActionRecord, now: number): "running" | "success" | "error" {
  if (now < finishes) return "running";
  return error === undefined ? "success" : "error";
}

export function actionRoutes(cloud: Cloud): Hono<ProjectEnv> {
  return new Hono<ProjectEnv>()
    .get("/", (c) => {
      const ids = c.req.queries("id") ?? [];
      if (ids.length === 0) throw invalidInput({ name: "id", message: "Missing data for required field." });
      const now = cloud.clock.now();
      const found = [...inProject(cloud.actions, c.var.project)].filter(({ id }) => ids.includes(String(id)));
      return c.json({ actions: found.map((action) => actionView(action, now)) });
    })
    .get("/:id{[0-9]+}", (c) => c.json({ action: actionView(findAction(cloud, c), cloud.clock.now()) }));
}

/** `/actions` and `/:id/actions[/:action_id]` below a kind of resource. */
export function resourceActionRoutes(cloud: Cloud, type: string): Hono<ProjectEnv> {
  const list = (project: string, url: URL, id?: number): Response => {
    const now = cloud.clock.now();
    const items = [...inProject(cloud.actions, project)].filter(({ resources }) =>
      resources.some((resource) => resource.type === type && (id === undefined || resource.id === id)),
    );
    return listResponse({
      key: "actions",
      url,
      items,
      view: (action) => actionView(action, now),
      sortable: ["id", "command", "started"],
      filters: { id: (action) => String(action.id), status: (action) => statusOfAction(action, now) },
    });
  };
  return new Hono<ProjectEnv>()
    .get("/actions", (c) => list(c.var.project, new URL(c.req.url)))
    .get("/actions/:id{[0-9]+}", (c) => c.json({ action: actionView(findAction(cloud, c), cloud.clock.now()) }))
    .get("/:resource{[0-9]+}/actions", (c) => list(c.var.project, new URL(c.req.url), Number(c.req.param("resource"))))
    .get("/:resource{[0-9]+}/actions/:id{[0-9]+}", (c) =>
      c.json({ action: actionView(findAction(cloud, c), cloud.clock.now()) }),
    );
}

function findAction(
  cloud: Cloud,
  c: { req: { param: (name: "id") => string }; var: { project: string } },
): ActionRecord {
  const id = c.req.param("id");
  const action = cloud.actions.get(id);
  if (action?.project !== c.var.project) throw notFound("action", id);
  return action;
}

/** `/servers`: list, read, change, delete, power and networks. */
import { Hono } from "hono";
import { actionView, startAction } from "./actions.ts";
import { machineAddresses } from "./addresses.ts";
import { LOCATIONS } from "./catalog/locations.ts";
import { HetznerError, notFound, notUnique } from "./errors.ts";
import { readInput } from "./input.ts";
import { bySelector, listResponse } from "./listing.ts";
import type { ProjectEnv } from "./project.ts";
import { attachment, createServer, isHostname } from "./server-create.ts";
import { serverView } from "./server-view.ts";
import { serversOf, statusOf, type Cloud, type ServerRecord, type ServerStatus } from "./state.ts";

/** What an action does to a server: the statuses it passes, and what becomes of its power. */
type PowerAction = { command: string; passes: ServerStatus[]; power: "on" | "off" | "cycle" };

const POWER_ACTIONS: Record<string, PowerAction> = {
  poweron: { command: "start_server", passes: ["starting", "running"], power: "on" },
  poweroff: { command: "stop_server", passes: ["off"], power: "off" },
  shutdown: { command: "shutdown_server", passes: ["stopping", "off"], power: "off" },
  reboot: { command: "reboot_server", passes: ["running"], power: "cycle" },
  reset: { command: "reset_server", passes: ["running"], power: "cycle" },
};

export function serverRoutes(cloud: Cloud): Hono<ProjectEnv> {
  const { clock, machines } = cloud;

  const find = (project: string, id: string): ServerRecord => {
    const server = cloud.servers.get(id);
    const isGone = server?.goneAt !== undefined && server.goneAt <= clock.now();
    if (server === undefined || server.project !== project || isGone) throw notFound("server", id);
    return server;
  };
  const findUnlocked = (project: string, id: string): ServerRecord => {
    const server = find(project, id);
    if (clock.now() < server.lockedUntil) throw new HetznerError("locked", "server is locked by a running action");
    return server;
  };

  const act = (server: ServerRecord, command: string, resources: { id: number; type: string }[] = []): object => {
    const own = { id: server.id, type: "server" };
    const action = startAction(cloud, { project: server.project, command, resources: [own, ...resources] });
    return { action: actionView(action, clock.now()) };
  };

  const change = (server: ServerRecord, status: ServerStatus[]): void => {
    const now = clock.now();
    const doneAt = now + cloud.timing.actionMs;
    const current = { at: server.created, status: statusOf(server, now) };
    const last = status.length - 1;
    const timeline = [current, ...status.map((status, at) => ({ at: at === last ? doneAt : now, status }))];
    cloud.servers.put(String(server.id), { ...server, timeline, lockedUntil: doneAt });
  };

  return new Hono<ProjectEnv>()
    .get("/", (c) => {
      const url = new URL(c.req.url);
      const now = clock.now();
      return listResponse({
        key: "servers",
        url,
        items: bySelector(serversOf(cloud, c.var.project), url),
        view: (server) => serverView(cloud, server),
        sortable: ["id", "name", "created"],
        filters: { name: ({ name }) => name, status: (server) => statusOf(server, now) },
      });
    })
    .post("/", async (c) => createServer(cloud, c.var.project, await readInput(c.req.raw)))
    .get("/:id{[0-9]+}", (c) => c.json({ server: serverView(cloud, find(c.var.project, c.req.param("id"))) }))
    .put("/:id{[0-9]+}", async (c) => {
      const input = await readInput(c.req.raw);
      const server = find(c.var.project, c.req.param("id"));
      const name = input.text("name") ?? server.name;
      if (!isHostname(name)) input.reject("name", "server name is not a valid hostname");
      const labels = input.labels() ?? server.labels;
      input.check();
      const isTaken = [...serversOf(cloud, c.var.project)].some(
        (other) => other.name === name && other.id !== server.id,
      );
      if (isTaken) throw notUnique("server", "name");
      const changed = { ...server, name, labels };
      cloud.servers.put(String(server.id), changed);
      return c.json({ server: serverView(cloud, changed) });
    })
    .delete("/:id{[0-9]+}", (c) => {
      const server = findUnlocked(c.var.project, c.req.param("id"));
      if (server.isProtected) throw new HetznerError("protected", "server deletion is protected");
      return c.json(
        cloud.records.transaction(() => {
          const answer = act(server, "delete_server");
          const now = clock.now();
          const goneAt = now + cloud.timing.actionMs;
          const timeline: ServerRecord["timeline"] = [{ at: now, status: "deleting" }];
          cloud.servers.put(String(server.id), { ...server, timeline, lockedUntil: goneAt, goneAt });
          machines.remove(String(server.id));
          return answer;
        }),
      );
    })
    .post("/:id{[0-9]+}/actions/attach_to_network", async (c) => {
      const input = await readInput(c.req.raw);
      const server = findUnlocked(c.var.project, c.req.param("id"));
      const id = input.id("network");
      if (id === undefined) input.reject("network", "Missing data for required field.");
      input.check();
      const network = cloud.networks.get(String(id));
      if (network?.project !== c.var.project) throw notFound("network", id ?? "");
      if (server.privateNets.some((net) => net.network === id)) {
        throw new HetznerError("server_already_attached", "server is already attached to the network");
      }
      const location = LOCATIONS.find(({ name }) => name === server.location);
      if (location === undefined) throw new HetznerError("server_error", "server has no location");
      return cloud.records.transaction(() => {
        const attachedAt = clock.now() + cloud.timing.actionMs;
        const net = attachment(cloud, network, { order: { location }, attachedAt });
        const changed = { ...server, privateNets: [...server.privateNets, net], lockedUntil: attachedAt };
        cloud.servers.put(String(server.id), changed);
        machines.setAddresses(String(server.id), machineAddresses(changed));
        return c.json(act(server, "attach_to_network", [{ id: network.id, type: "network" }]), 201);
      });
    })
    .post("/:id{[0-9]+}/actions/change_protection", async (c) => {
      const input = await readInput(c.req.raw);
      const server = findUnlocked(c.var.project, c.req.param("id"));
      const isProtected = input.flag("delete") ?? server.isProtected;
      if ((input.flag("rebuild") ?? isProtected) !== isProtected) {
        input.reject("rebuild", "must have the same value as delete");
      }
      input.check();
      cloud.servers.put(String(server.id), { ...server, isProtected });
      return c.json(act(server, "change_server_protection"), 201);
    })
    .post("/:id{[0-9]+}/actions/:action", (c) => {
      const action = POWER_ACTIONS[c.req.param("action")];
      if (action === undefined) throw new HetznerError("not_found", "no such action in this simulator");
      const server = findUnlocked(c.var.project, c.req.param("id"));
      const id = String(server.id);
      return cloud.records.transaction(() => {
        if (action.power !== "on") machines.powerOff(id);
        if (action.power !== "off") machines.powerOn(id, clock.now() + cloud.timing.actionMs);
        change(server, action.passes);
        return c.json(act(server, action.command), 201);
      });
    });
}

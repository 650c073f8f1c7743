/** Hetzner Cloud API v1, written from the vendor's document alone; the provider beside it was written without this. */
import { defineSimulator, type Handler, type SimulatorContext } from "@machine-controller/cloud-simulator";
import { Hono } from "hono";
import { actionRoutes, resourceActionRoutes } from "./actions.ts";
import { catalogRoutes } from "./catalog/routes.ts";
import { codeOfStatus, errorResponse, HetznerError, toResponse } from "./errors.ts";
import { firewalls } from "./firewalls.ts";
import { networkRoutes } from "./networks.ts";
import { placementGroups } from "./placement-groups.ts";
import { authenticate, createRateLimit, type ProjectEnv, type Tokens } from "./project.ts";
import { resourceRoutes } from "./resource.ts";
import { serverRoutes } from "./servers.ts";
import { sshKeys } from "./ssh-keys.ts";
import { openCloud, type ActionFailure, type Cloud, type HetznerTiming } from "./state.ts";

export type HetznerSimulatorOptions = {
  /** Default: `simulated-token` of project `default`. */
  tokens?: Tokens;
  /** Requests an hour and project; refills evenly. Default: 3600. */
  rateLimit?: number;
  /** Servers of a project. Default: no limit. */
  maxServers?: number;
  /** Offers that cannot be had, as `cax41@hel1`. */
  soldOut?: readonly string[];
  actionFailures?: readonly ActionFailure[];
  /** Default: 800 ms to create, 300 ms for other actions. */
  cloudTiming?: Partial<HetznerTiming>;
};

export const hetznerSimulator = defineSimulator<HetznerSimulatorOptions>({
  name: "hetzner",
  origins: ["https://api.hetzner.cloud"],
  create: (context, options) => ({
    handle: createApi(context, options),
    respond: ({ status, code = codeOfStatus(status), message = `injected fault: ${code}`, retryAfterSeconds }) => {
      const response = errorResponse(status, { code, message, details: null });
      if (retryAfterSeconds !== undefined) response.headers.set("retry-after", String(retryAfterSeconds));
      return response;
    },
  }),
});

function createApi(context: SimulatorContext, options: HetznerSimulatorOptions): Handler {
  const cloud = openCloud(context, {
    timing: { createMs: 800, actionMs: 300, ...options.cloudTiming },
    maxServers: options.maxServers ?? Number.POSITIVE_INFINITY,
    soldOut: new Set(options.soldOut),
    failures: (options.actionFailures ?? []).map((failure) => ({ ...failure })),
  });
  const tokens = options.tokens ?? { "simulated-token": { project: "default" } };
  const limit = createRateLimit(options.rateLimit ?? 3600, context.clock);
  const app = routes(cloud);
  return async (request) => {
    try {
      const project = authenticate(tokens, request);
      const response = limit.take(project)
        ? await app.fetch(request, { project })
        : toResponse(new HetznerError("rate_limit_exceeded", "limit of requests per hour reached"));
      for (const [name, value] of Object.entries(limit.headers(project))) response.headers.set(name, value);
      return response;
    } catch (error) {
      if (error instanceof HetznerError) return toResponse(error);
      throw error;
    }
  };
}

function routes(cloud: Cloud): Hono<ProjectEnv> {
  const app = new Hono<ProjectEnv>().basePath("/v1");
  app.use(async (c, next) => {
    c.set("project", c.env.project);
    await next();
  });
  app.onError((error) => {
    if (error instanceof HetznerError) return toResponse(error);
    throw error;
  });
  app.notFound(() => toResponse(new HetznerError("not_found", "no such route")));
  return app
    .route("/actions", actionRoutes(cloud))
    .route("/", catalogRoutes())
    .route("/servers", resourceActionRoutes(cloud, "server"))
    .route("/servers", serverRoutes(cloud))
    .route("/networks", networkRoutes(cloud))
    .route("/firewalls", resourceActionRoutes(cloud, "firewall"))
    .route("/firewalls", resourceRoutes(cloud, firewalls(cloud)))
    .route("/placement_groups", resourceRoutes(cloud, placementGroups(cloud)))
    .route("/ssh_keys", resourceRoutes(cloud, sshKeys(cloud)));
}

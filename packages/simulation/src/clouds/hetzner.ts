/** Hetzner Cloud: the real provider on its simulator. What exists is read off the simulator's own answers. */
import hetzner from "@machine-controller/provider-hetzner";
import { createHetznerSimulator } from "@machine-controller/provider-hetzner/sim";
import { createProcess } from "../world/process.ts";
import type { CloudOptions, Credential, SimulatedCloud, Vm } from "./cloud.ts";

const CREATE_MS = 800;
const ACTION_MS = 300;
const ORIGIN = "https://api.hetzner.cloud";

export function createHetznerCloud({ scheduler, random, deletionMs = ACTION_MS }: CloudOptions): SimulatedCloud {
  const { clock } = createProcess(scheduler, { name: "hetzner", generation: 1, seed: "" });
  const vms: Vm[] = [];
  const tokens: Record<string, { project: string }> = {};
  let doomNext = false;
  let blindUntilMs = 0;
  let refusal: "quota" | "sold out" | undefined;
  const simulator = createHetznerSimulator({
    database: ":memory:",
    clock,
    random,
    tokens,
    rateLimit: 1e9,
    cloudTiming: { createMs: CREATE_MS, actionMs: deletionMs },
    connect: () => async () => {
      throw new Error("machines of this simulator are never switched on");
    },
  });

  /** Follows what a change has done. */
  async function note(request: Request, body: string, response: Response): Promise<void> {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname === "/v1/servers" && response.status === 201) {
      const { server } = (await response.clone().json()) as ServerAnswer;
      const given = JSON.parse(body) as { user_data?: string };
      const vm: Vm = {
        id: String(server.id),
        name: server.name,
        machineUid: server.labels["machine-uid"],
        account: tokenOf(request),
        address: server.public_net.ipv4?.ip ?? "",
        userData: given.user_data ?? "",
        createdAtMs: scheduler.now(),
        runsAtMs: scheduler.now() + CREATE_MS,
      };
      vms.push(vm);
      if (doomNext) {
        doomNext = false;
        scheduler.after(CREATE_MS + 400, () => void lose(vm));
      }
    }
    const deleted = /^\/v1\/servers\/(\d+)$/.exec(pathname)?.[1];
    if (request.method === "DELETE" && deleted !== undefined && response.ok) markDeleted(deleted);
  }

  function markDeleted(id: string): void {
    const vm = vms.find((other) => other.id === id);
    if (vm === undefined) return;
    vm.deletionAskedAtMs = scheduler.now();
    vm.goneAtMs = scheduler.now() + deletionMs;
  }

  async function lose(vm: Vm): Promise<void> {
    if (vm.deletionAskedAtMs !== undefined) return;
    const headers = {
      authorization: `Bearer ${Object.keys(tokens).find((token) => tokens[token]?.project === vm.account)}`,
    };
    const gone = await simulator.handle(new Request(`${ORIGIN}/v1/servers/${vm.id}`, { method: "DELETE", headers }));
    if (gone.ok) markDeleted(vm.id);
  }

  const tokenOf = (request: Request): string =>
    tokens[request.headers.get("authorization")?.slice("Bearer ".length) ?? ""]?.project ?? "";

  const respondWith = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Response =>
    Response.json({ error: { code, message: `simulated ${status}`, details: null } }, { status, headers });
  const respond: SimulatedCloud["endpoint"]["respond"] = (status, { retryAfterSeconds }) =>
    respondWith(
      status,
      CODES[status] ?? "server_error",
      retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
    );

  return {
    definition: hetzner,
    config: { serverType: "cx23", location: "fsn1" },
    vms,
    endpoint: {
      name: "hetzner",
      kind: "cloud",
      stragglerMs: 20_000,
      mayRepeat: () => true,
      respond,
      async handle(request) {
        const body = request.body === null ? "" : await request.clone().text();
        const isCreation = request.method === "POST" && new URL(request.url).pathname === "/v1/servers";
        if (isCreation && refusal !== undefined && tokenOf(request) !== "") {
          const { status, code } = REFUSALS[refusal];
          return respondWith(status, code);
        }
        const [, collection = "", id] = new URL(request.url).pathname.split("/").slice(1);
        if (scheduler.now() < blindUntilMs && collection === "servers" && request.method !== "POST") {
          if (id !== undefined) return respondWith(404, "not_found");
          return Response.json({ servers: [], meta: { pagination: { page: 1, next_page: null } } });
        }
        const response = await simulator.handle(request);
        await note(request, body, response);
        return response;
      },
    },
    lose,
    accept(credentials: readonly Credential[]) {
      for (const token of Object.keys(tokens)) delete tokens[token];
      for (const { token, account } of credentials) tokens[token] = { project: account };
    },
    refuseCreation: (reason) => void (refusal = reason),
    failNextCreation: () => void (doomNext = true),
    showNothing: (ms) => void (blindUntilMs = scheduler.now() + ms),
    close: () => simulator.close(),
  };
}

const REFUSALS = {
  quota: { status: 403, code: "resource_limit_exceeded" },
  "sold out": { status: 412, code: "resource_unavailable" },
} as const;

type ServerAnswer = {
  server: {
    id: number;
    name: string;
    labels: Record<string, string>;
    public_net: { ipv4: { ip: string } | null };
  };
};

const CODES: Readonly<Record<number, string>> = {
  401: "unauthorized",
  429: "rate_limit_exceeded",
  503: "unavailable",
  504: "timeout",
};

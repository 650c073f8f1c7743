/** A cloud of one kind of thing, instances, whose reads lag behind as its model says. */
import { type CloudOptions, type Credential, exists, type SimulatedCloud, type Vm } from "../cloud.ts";
import type { CloudModel } from "./model.ts";
import { definePlainProvider, type PlainInstance } from "./provider.ts";

type Record = Vm & {
  token: string | undefined;
  /** The token names it for as long as it exists, and no longer. */
  forgetsToken: boolean;
  cluster: string;
  hiddenUntilMs: number;
  /** Reads by ID miss it once; undefined: that may yet come. */
  notFoundUntilMs: number | undefined;
  lingerMs: number;
};

type Creation = { name: string; mark: string; cluster: string; userData: string; token?: string };

const BOOT_MS = 1_000;

export function createPlainCloud(model: CloudModel, options: CloudOptions): SimulatedCloud {
  const { scheduler, random, deletionMs = model.deletionMs } = options;
  const { name, idempotency, visibilityMs, lingerMs, wrongNotFoundShare } = model;
  const vms: Record[] = [];
  const luck = random.fork(name);
  let accounts = new Map<string, string>();
  let refusal: "quota" | "sold out" | undefined;
  let doomNext = false;
  let keepNext = false;
  let blindUntilMs = 0;

  const isThere = (vm: Vm): boolean => exists(vm, scheduler.now());
  const isBlind = (): boolean => scheduler.now() < blindUntilMs;
  const view = (vm: Record): { instance: PlainInstance } => ({
    instance: {
      id: vm.id,
      name: vm.name,
      mark: vm.machineUid ?? "",
      cluster: vm.cluster,
      address: vm.address,
      status: vm.deletionAskedAtMs === undefined ? "running" : "deleting",
    },
  });

  function create(account: string, body: Creation): Response {
    const nowMs = scheduler.now();
    const mine = vms.filter((vm) => vm.account === account);
    if (idempotency.class === "token") {
      const earlier = mine.find((vm) => vm.token === body.token && (isThere(vm) || !vm.forgetsToken));
      if (earlier !== undefined) return Response.json(view(earlier));
    }
    if (idempotency.class === "unique-name" && mine.some((vm) => vm.name === body.name && isThere(vm))) {
      return refuse(409, "name_taken");
    }
    if (refusal !== undefined) return refuse(403, refusal === "quota" ? "quota" : "sold_out");
    const vm: Record = {
      id: `i-${vms.length + 1}`,
      name: body.name,
      machineUid: body.mark,
      account,
      address: `10.1.${vms.length >> 8}.${vms.length & 255}`,
      userData: body.userData,
      token: body.token,
      forgetsToken: luck.chance(0.5),
      cluster: body.cluster,
      createdAtMs: nowMs,
      runsAtMs: nowMs + BOOT_MS,
      hiddenUntilMs: nowMs + luck.int(visibilityMs),
      notFoundUntilMs: luck.chance(wrongNotFoundShare) ? nowMs + luck.int(idempotency.consistencyMs) : undefined,
      lingerMs: luck.int(lingerMs),
    };
    vms.push(vm);
    if (doomNext) scheduler.after(1_000 + luck.int(4_000), () => void lose(vm));
    doomNext = false;
    return Response.json(view(vm), { status: 201 });
  }

  function list(account: string, query: URLSearchParams): Response {
    const nowMs = scheduler.now();
    const isListed = (vm: Record): boolean =>
      !isBlind() &&
      vm.account === account &&
      vm.hiddenUntilMs <= nowMs &&
      (vm.goneAtMs ?? Infinity) + vm.lingerMs > nowMs;
    const [wantedName, mark] = [query.get("name"), query.get("mark")];
    const found = vms
      .filter(isListed)
      .filter((vm) => (wantedName ?? vm.name) === vm.name && (mark ?? vm.machineUid) === vm.machineUid);
    // What lingers looks as if nothing had happened to it.
    const instances = found.map((vm) => ({
      ...view(vm).instance,
      ...(!isThere(vm) && { status: "running" as const }),
    }));
    return Response.json({ instances });
  }

  async function lose(vm: Vm): Promise<void> {
    vm.goneAtMs ??= scheduler.now();
    vm.deletionAskedAtMs ??= scheduler.now();
  }

  async function handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const account = accounts.get(request.headers.get("authorization")?.slice("Bearer ".length) ?? "");
    if (account === undefined) return refuse(401, "unauthorized");
    const [, , collection, id] = pathname.split("/");
    if (collection === "account") return Response.json({ account });
    if (collection !== "instances") return refuse(400, "no_such_route");
    if (id === undefined) {
      return request.method === "POST" ? create(account, (await request.json()) as never) : list(account, searchParams);
    }
    const vm = vms.find((other) => other.id === id && other.account === account && isThere(other));
    if (vm === undefined || isBlind()) return refuse(404, "not_found");
    if (request.method === "GET")
      return scheduler.now() < (vm.notFoundUntilMs ?? 0) ? refuse(404, "not_found") : Response.json(view(vm));
    vm.notFoundUntilMs = 0;
    vm.deletionAskedAtMs ??= scheduler.now();
    if (keepNext) scheduler.after(deletionMs, () => delete vm.deletionAskedAtMs);
    else vm.goneAtMs ??= scheduler.now() + deletionMs;
    keepNext = false;
    return Response.json({});
  }

  return {
    definition: definePlainProvider(model),
    config: { size: "small" },
    vms,
    endpoint: {
      name,
      kind: "cloud",
      handle,
      stragglerMs: model.stragglerMs,
      // A cloud that goes by tags alone takes a repeated creation for a second one, and nobody can tell it otherwise.
      mayRepeat: ({ method }) => idempotency.class !== "tag-scan" || method !== "POST",
      respond: (status, { retryAfterSeconds }) =>
        refuse(
          status,
          `simulated_${status}`,
          retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
        ),
    },
    lose,
    accept: (credentials: readonly Credential[]) =>
      void (accounts = new Map(credentials.map(({ token, account }) => [token, account]))),
    refuseCreation: (reason) => void (refusal = reason),
    failNextCreation: () => void (doomNext = true),
    failNextDeletion: () => void (keepNext = true),
    showNothing: (ms) => void (blindUntilMs = scheduler.now() + ms),
    missBriefly(vm) {
      const record = vms.find(({ id }) => id === vm.id);
      if (record === undefined) return;
      record.notFoundUntilMs ??= scheduler.now() + luck.int(idempotency.consistencyMs);
      record.hiddenUntilMs = scheduler.now() + luck.int(visibilityMs);
    },
    close: () => {},
  };
}

const refuse = (status: number, code: string, headers: Readonly<globalThis.Record<string, string>> = {}): Response =>
  Response.json({ code }, { status, headers });

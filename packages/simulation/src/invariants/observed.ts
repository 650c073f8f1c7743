/** What invariants share: who owns what, and what was so a short while ago, which is all that a controller can know. */
import type { Machine, MachineSet } from "@machine-controller/api";
import type { KubeObject, Node } from "@machine-controller/kube-client";
import type { Message } from "../world/network.ts";
import { START_MS } from "../world/scheduler.ts";
import type { World } from "../world/world.ts";

/** Longer than watches lag, processes freeze and networks are cut in any world: what was so before is nobody's excuse. */
const STALE_MS = 130_000;
/** Where nothing has held up what a controller hears for this long, it knows what was so a moment ago. */
const TROUBLE_MS = 190_000;
const FRESH_MS = 3_000;
/** A message between a controller and the API server, or a controller itself, has been struck. */
const HOLDS_UP = /controller-\w+(?! → (?!kube))/;

/** How old what a controller knows may be. */
function staleMs({ timeline, scheduler }: World): number {
  const troubled = timeline.moments.findLast(({ weight, what }) => weight === "fault" && HOLDS_UP.test(what));
  return troubled !== undefined && troubled.atMs > scheduler.now() - START_MS - TROUBLE_MS ? STALE_MS : FRESH_MS;
}

/** What the API server holds to its schema. */
export const asMachine = (object: KubeObject): Machine => object as Machine;

export const isReady = ({ status }: Machine): boolean =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
export const isNodeReady = ({ status }: Node): boolean =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
export const isDeleting = ({ metadata }: KubeObject | Machine): boolean => metadata.deletionTimestamp !== undefined;

/** UID of the controlling owner. A Machine that a user labelled `released` has none, whatever its references still say. */
export const ownerUid = ({ metadata }: KubeObject | Machine | MachineSet): string | undefined =>
  metadata.labels?.["pool"] === "released"
    ? undefined
    : metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;

export const isByController = ({ from }: Message): boolean => from.name.startsWith("controller-");

/** Was under way for so long that whoever sent it may be gone. */
export const isStraggler = ({ sentAtMs }: Message, { scheduler }: World): boolean =>
  scheduler.now() - sentAtMs > FRESH_MS;

/** The name of the object of this plural that a request is about; undefined if it is about something else. */
export function targetOf({ path }: Message, plural: string): string | undefined {
  const [pathname = ""] = path.split("?");
  const parts = pathname.split("/");
  const at = parts.indexOf(plural);
  return at >= 0 && parts.length === at + 2 ? parts[at + 1] : undefined;
}

/** Remembers the values that something has had lately. */
export type Recent<T> = { note(key: string, value: T): void; of(key: string): T[] };

export function createRecent<T>(world: World): Recent<T> {
  const { scheduler } = world;
  const noted = new Map<string, { value: T; untilMs: number }[]>();
  return {
    note(key, value) {
      const values = noted.get(key) ?? [];
      const last = values.at(-1);
      if (last !== undefined) last.untilMs = scheduler.now();
      values.push({ value, untilMs: Infinity });
      noted.set(key, values);
    },
    of(key) {
      const sinceMs = scheduler.now() - staleMs(world);
      return (noted.get(key) ?? []).filter(({ untilMs }) => untilMs >= sinceMs).map(({ value }) => value);
    },
  };
}

/**
 * How many Machines went lately of which a controller need not know yet, since people took them away, or a request that had
 * been given up: that is not its doing.
 */
export function createTakenAway(world: World): () => number {
  const { cluster, wishes, onEffect } = world;
  const wasThere = createRecent<boolean>(world);
  const uids = new Map<string, string>();
  const straggled = new Set<string>();
  onEffect(({ message, status }) => {
    const name = message.method === "DELETE" && status < 300 ? targetOf(message, "machines") : undefined;
    if (name !== undefined && isByController(message) && isStraggler(message, world))
      straggled.add(uids.get(name) ?? "");
  });
  cluster.onChange(({ kind, type, object }) => {
    if (kind !== "machines") return;
    uids.set(object.metadata.name ?? "", object.metadata.uid ?? "");
    wasThere.note(
      object.metadata.uid ?? "",
      type !== "DELETED" && !isDeleting(object) && ownerUid(object) !== undefined,
    );
  });
  return () =>
    [...wishes.deletedMachines, ...wishes.released, ...straggled].filter((uid) => {
      const lately = wasThere.of(uid);
      return lately.includes(true) && lately.at(-1) === false;
    }).length;
}

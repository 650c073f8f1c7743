/**
 * Spread placement groups of a name prefix: the first with room is used, and one is made where none has. Picking and
 * deleting take turns, and servers that were asked for count, so that parallel creations do not overfill a group.
 */
import { isProviderError, type Random } from "@machine-controller/provider";
import type { Cloud, PlacementGroup } from "./cloud.ts";
import { isRefusal } from "./errors.ts";
import { LABEL_MANAGED, MANAGED_BY } from "./managed.ts";

/** Hetzner's limit of a spread group. */
const MAX_SERVERS = 10;
/** Of the random end of a name; the Go implementation uses the same. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

type Call = { signal: AbortSignal };
/** A place in a group, held until `Symbol.dispose`. */
export type Reservation = Disposable & { readonly id: number };

export type PlacementGroups = {
  /** @param options.except IDs of groups that are of no use now. */
  reserve(
    prefix: string,
    options: Call & { labels: Readonly<Record<string, string>>; except: ReadonlySet<number> },
  ): Promise<Reservation>;
  /**
   * Deletes a group of ours that no server is in but the one that is gone.
   * @returns false where the cloud says it is still in use.
   */
  release(id: string, options: Call & { goneServer: string | undefined }): Promise<boolean>;
};

export function createPlacementGroups(cloud: Cloud, random: Random): PlacementGroups {
  const reserved = new Map<number, number>();
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>, { signal }: Call): Promise<T> {
    const result = turn.then(() => {
      signal.throwIfAborted();
      return work();
    });
    turn = result.catch(() => undefined);
    return result;
  }

  function hold({ id }: PlacementGroup): Reservation {
    reserved.set(id, (reserved.get(id) ?? 0) + 1);
    return {
      id,
      [Symbol.dispose]() {
        const left = (reserved.get(id) ?? 1) - 1;
        if (left > 0) reserved.set(id, left);
        else reserved.delete(id);
      },
    };
  }

  return {
    reserve: (prefix, { labels, except, signal }) =>
      inTurn(
        async () => {
          const groups = await cloud.list("placement_groups", { type: "spread" }, { signal });
          const free = groups.find(
            (group) =>
              belongsTo(prefix, group.name) &&
              !except.has(group.id) &&
              group.servers.length + (reserved.get(group.id) ?? 0) < MAX_SERVERS,
          );
          if (free !== undefined) return hold(free);
          const name = `${prefix}-${suffix(random)}`;
          const body = { name, type: "spread", labels: { ...labels, [LABEL_MANAGED]: MANAGED_BY } } as const;
          return hold(await cloud.create("placement_groups", body, { signal }));
        },
        { signal },
      ),

    release: (id, { goneServer, signal }) =>
      inTurn(
        async () => {
          try {
            const group = await cloud.get("placement_groups", id, { signal });
            const others = group.servers.filter((server) => String(server) !== goneServer);
            const ours = group.labels[LABEL_MANAGED] === MANAGED_BY;
            if (ours && others.length === 0 && !reserved.has(group.id)) {
              await cloud.delete("placement_groups", group.id, { signal });
            }
            return true;
          } catch (error) {
            if (isProviderError(error, "InstanceNotFound")) return true;
            if (isRefusal(error, "conflict", "locked", "resource_in_use")) return false;
            throw error;
          }
        },
        { signal },
      ),
  };
}

/** The whole name is looked at: the prefix `prod` must not take a group of `prod-eu`. */
const belongsTo = (prefix: string, name: string): boolean =>
  name.startsWith(`${prefix}-`) && /^[a-z0-9]{5}$/.test(name.slice(prefix.length + 1));

const suffix = (random: Random): string =>
  Array.from(random.bytes(SUFFIX_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");

/**
 * Servers by the mark of their Machine, from lists that begin after the question: a fleet that goes asks for each of its
 * Machines at about the same time, and one list answers many.
 */
import type { Clock } from "@machine-controller/provider";
import type { Cloud } from "./cloud.ts";
import { LABEL_UID, type Server } from "./server.ts";
import { orAborted } from "./or-aborted.ts";

export type MarkedServers = {
  /** All servers that bear the Machine's mark. */
  of(uid: string, call: { signal: AbortSignal }): Promise<Server[]>;
};

/** Lists begin this far apart, the first at once. */
const PACE_MS = 250;
/** In one selector, which is part of a URL. */
const MOST_UIDS = 40;

type Round = { uids: Set<string>; waiting: number; stop: AbortController; answer: Promise<Server[]> };

export function createMarkedServers(cloud: Cloud, clock: Clock): MarkedServers {
  /** The round that is not under way yet. */
  let gathering: Round | undefined;
  let latestMs = -Infinity;

  async function list(round: Pick<Round, "uids" | "stop">): Promise<Server[]> {
    const { signal } = round.stop;
    const sinceMs = clock.now() - latestMs;
    try {
      await (sinceMs >= 0 && sinceMs < PACE_MS ? clock.sleep(PACE_MS - sinceMs, { signal }) : undefined);
    } finally {
      if (gathering?.uids === round.uids) gathering = undefined;
    }
    latestMs = clock.now();
    const selector = `${LABEL_UID} in (${[...round.uids].join(",")})`;
    return cloud.list("servers", { label_selector: selector }, { signal });
  }

  function begin(): Round {
    const round = { uids: new Set<string>(), waiting: 0, stop: new AbortController() };
    return Object.assign(round, { answer: list(round) });
  }

  return {
    async of(uid, { signal }) {
      if (gathering === undefined || gathering.uids.size >= MOST_UIDS) gathering = begin();
      const round = gathering;
      round.uids.add(uid);
      round.waiting += 1;
      try {
        const servers = await orAborted(round.answer, signal);
        // Deletion rests on this: a selector that something in between dropped must not select everything.
        return servers.filter(({ labels }) => labels[LABEL_UID] === uid);
      } finally {
        round.waiting -= 1;
        if (round.waiting === 0) round.stop.abort("nobody waits for it");
      }
    },
  };
}

/**
 * Takes the system of a RHEL Machine out of what it was registered with: Red Hat Subscription Management (an offline token)
 * or a Satellite server. One try a call, repeatable; a system that is not there is taken out.
 */
import { instanceNameOf, type Machine } from "@machine-controller/api";
import { type Clock, isKubeError, startDeadline } from "@machine-controller/kube-client";
import type { ConfigVarResolver, ConfigVarString, Fetch } from "@machine-controller/provider";
import { RegistrationError } from "./exchange.ts";
import { deleteSatelliteHost } from "./satellite.ts";
import { removeSystems } from "./subscription-management.ts";

export type Subscriptions = {
  /** @throws RegistrationError with what a person may be shown; the signal's reason. */
  remove(machine: Machine, call: { signal: AbortSignal }): Promise<void>;
};

/** The fields of `operatingSystemSpec` that matter here; texts may be given by reference. */
type RedHatSpec = {
  rhsmOfflineToken?: ConfigVarString;
  rhelUseSatelliteServer?: boolean;
  rhelSatelliteServer?: ConfigVarString;
  rhelSubscriptionManagerUser?: ConfigVarString;
  rhelSubscriptionManagerPassword?: ConfigVarString;
};

const TIMEOUT_MS = 60_000;
const PATH = "spec.providerSpec.value.operatingSystemSpec";

/** True where something is registered that somebody has to take out. */
export function isRegistered(machine: Machine): boolean {
  const { rhsmOfflineToken, rhelUseSatelliteServer } = specOf(machine) ?? {};
  return Boolean(rhsmOfflineToken) || rhelUseSatelliteServer === true;
}

export function createSubscriptions(context: {
  /** Verifies TLS, with the authorities of `-ca-bundle`. */
  fetch: Fetch;
  resolver: ConfigVarResolver;
  clock: Clock;
}): Subscriptions {
  const { fetch, resolver, clock } = context;
  return {
    async remove(machine, { signal }) {
      const spec = specOf(machine);
      if (spec === undefined) return;
      using deadline = startDeadline({
        signal,
        clock,
        timeoutMs: TIMEOUT_MS,
        reason: () => new RegistrationError(`no answer within ${TIMEOUT_MS / 1_000} s`),
      });
      const text = (field: keyof RedHatSpec): Promise<string> =>
        resolver.string(spec[field], { path: `${PATH}.${field}`, signal: deadline.signal });
      const name = systemNameOf(machine);
      try {
        const offlineToken = await text("rhsmOfflineToken");
        if (offlineToken !== "") await removeSystems(fetch, { name, offlineToken, signal: deadline.signal });
        if (spec.rhelUseSatelliteServer !== true) return;
        const [server, user, password] = [
          await text("rhelSatelliteServer"),
          await text("rhelSubscriptionManagerUser"),
          await text("rhelSubscriptionManagerPassword"),
        ];
        await deleteSatelliteHost(fetch, { name, server, user, password, signal: deadline.signal });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RegistrationError) throw error;
        // The API server's trouble is no reason to give a system up.
        if (isKubeError(error)) throw error;
        throw new RegistrationError(error instanceof Error ? error.message : String(error), { cause: error });
      }
    },
  };
}

function specOf({ spec }: Machine): RedHatSpec | undefined {
  const { operatingSystem, operatingSystemSpec } = spec.providerSpec.value ?? {};
  const isRedHat = operatingSystem === "rhel" && typeof operatingSystemSpec === "object";
  return isRedHat ? (operatingSystemSpec ?? {}) : undefined;
}

/** What the system calls itself: AWS names its instances, elsewhere the Machine does. */
function systemNameOf(machine: Machine): string {
  const isAws = machine.spec.providerSpec.value?.["cloudProvider"] === "aws";
  const internal = machine.status?.addresses?.findLast(({ type }) => type === "InternalDNS");
  return (isAws && internal?.address) || instanceNameOf(machine);
}

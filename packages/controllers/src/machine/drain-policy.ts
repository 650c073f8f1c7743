/** How long a Machine that is deleted waits for pods and volumes: what it says itself, or its MachineSet or MachineDeployment. */
import {
  ANNOTATION_DRAIN_POLICY,
  ANNOTATION_DRAIN_TIMEOUT,
  ANNOTATION_VOLUME_DETACH_TIMEOUT,
  DRAIN_POLICIES,
  type DrainPolicy,
} from "@machine-controller/api/well-known";
import { parseGoDuration } from "@machine-controller/provider";
import type { Snapshot } from "./snapshot.ts";

export type DrainRules = {
  policy: DrainPolicy;
  /** From the Machine's deletion on; Infinity: pods are never forced. */
  drainTimeoutMs: number;
  /** From the first look at the volumes on. */
  volumeTimeoutMs: number;
  /** What an annotation should be, where it is something else. */
  problem?: string;
};

const VOLUME_TIMEOUT_MS = 6 * 60_000;

/** An annotation that cannot be read forces nothing: pods wait until a person has mended it. */
export function drainRulesOf(snapshot: Snapshot): DrainRules {
  const { machine, machineSet, machineDeployment, options } = snapshot;
  const problems: string[] = [];
  function read<T>(
    annotation: string,
    fallback: T,
    form: { parse: (text: string) => T | undefined; shown: string },
  ): T | undefined {
    const owner = [machine, machineSet, machineDeployment].find((object) => object?.metadata.annotations?.[annotation]);
    const text = owner?.metadata.annotations?.[annotation];
    if (owner === undefined || text === undefined) return fallback;
    const value = form.parse(text);
    if (value === undefined) {
      problems.push(
        `annotation ${annotation} of ${owner.kind} ${owner.metadata.name} is "${text}" and must be ${form.shown}`,
      );
    }
    return value;
  }
  const policy = read<DrainPolicy>(ANNOTATION_DRAIN_POLICY, "Drain", {
    parse: (text) => DRAIN_POLICIES.find((name) => name === text),
    shown: DRAIN_POLICIES.join(", "),
  });
  const drainTimeoutMs = read(ANNOTATION_DRAIN_TIMEOUT, options.skipEvictionAfterMs, DURATION);
  const volumeTimeoutMs = read(ANNOTATION_VOLUME_DETACH_TIMEOUT, VOLUME_TIMEOUT_MS, DURATION) ?? VOLUME_TIMEOUT_MS;
  const neverForces = policy === "NeverForce" || problems.length > 0;
  return {
    policy: policy ?? "NeverForce",
    drainTimeoutMs: neverForces ? Infinity : (drainTimeoutMs ?? Infinity),
    volumeTimeoutMs,
    ...(problems.length > 0 && { problem: problems.join("; ") }),
  };
}

const DURATION = {
  parse: (text: string): number | undefined => {
    const ms = parseGoDuration(text);
    return ms === undefined || ms < 0 ? undefined : ms;
  },
  shown: "a duration such as 90s or 1h30m",
};

/** The Secrets and ConfigMaps that a Machine refers to: a failure may be over when one of them changes. */
import type { Machine } from "@machine-controller/api";
import type { DataReader } from "@machine-controller/provider";
import { createHash } from "node:crypto";

export type References = {
  /** Equal as long as nothing that the Machine refers to has changed. */
  digest(machine: Machine, call: { signal: AbortSignal }): Promise<string>;
};

type Reference = { kind: "secretKeyRef" | "configMapKeyRef"; namespace: string; name: string; key: string };

export const refersToOthers = ({ spec }: Machine): boolean => referencesIn(spec.providerSpec.value).length > 0;

export function createReferences(readers: { readSecret: DataReader; readConfigMap: DataReader }): References {
  return {
    async digest({ spec }, call) {
      const values = await Promise.all(
        referencesIn(spec.providerSpec.value).map(async ({ kind, key, ...ref }) => {
          const read = kind === "secretKeyRef" ? readers.readSecret : readers.readConfigMap;
          return (await read(ref, call))?.[key] ?? null;
        }),
      );
      return createHash("sha256").update(JSON.stringify(values)).digest("hex");
    },
  };
}

function referencesIn(value: unknown): Reference[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]): Reference[] => {
    if (field !== "secretKeyRef" && field !== "configMapKeyRef") return referencesIn(inner);
    const { namespace, name, key } = (inner ?? {}) as Partial<Reference>;
    return namespace && name && key ? [{ kind: field, namespace, name, key }] : [];
  });
}

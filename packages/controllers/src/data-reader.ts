/**
 * Reads Secrets and ConfigMaps that manifests refer to: one GET an object however many Machines ask, remembered for a
 * short while. No watch: nothing but the objects referred to is ever read, or needs to be readable.
 */
import {
  type ConfigMap,
  coreResources,
  isKubeError,
  type KubeClient,
  type Resource,
  type Secret,
  untilAborted,
} from "@machine-controller/kube-client";
import type { DataReader } from "@machine-controller/provider";

const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 10_000;

type Data = Readonly<Record<string, string>> | undefined;

export function createDataReaders(
  client: KubeClient,
  clock: { now(): number },
): {
  readSecret: DataReader;
  readConfigMap: DataReader;
} {
  function reader<T extends Secret | ConfigMap>(resource: Resource<T>, decode: (object: T) => Data): DataReader {
    // A read that others wait for too is ended by the client's time-out alone.
    const unending = new AbortController().signal;
    const remembered = new Map<string, { readAtMs: number; data: Promise<Data> }>();
    return ({ namespace, name }, { signal }) => {
      const key = `${namespace}/${name}`;
      const known = remembered.get(key);
      // A clock that was set back would keep it for as long again.
      const ageMs = known === undefined ? Infinity : Math.abs(clock.now() - known.readAtMs);
      if (known !== undefined && ageMs < REMEMBERED_MS) return untilAborted(known.data, signal);
      const data = client.get(resource, { namespace, name }, { signal: unending }).then(decode, (error: unknown) => {
        if (isKubeError(error, "NotFound")) return undefined;
        throw error;
      });
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.set(key, { readAtMs: clock.now(), data });
      // Neither a failure nor absence is remembered: both are what a person is about to mend.
      data.then(
        (found) => found ?? remembered.delete(key),
        () => remembered.delete(key),
      );
      return untilAborted(data, signal);
    };
  }
  return {
    readSecret: reader(coreResources.secrets, ({ data = {} }) =>
      Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()])),
    ),
    readConfigMap: reader(coreResources.configMaps, ({ data = {} }) => data),
  };
}

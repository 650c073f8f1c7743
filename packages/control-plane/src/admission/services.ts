/** Services without a network of their own: a webhook's Service is reached at one of its ready endpoints. */
import { arrayAt, isJsonObject, objectAt, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";
import type { ResolveService } from "./call.ts";

export function createServiceResolver(storage: Storage): ResolveService {
  return ({ namespace, name, port }) => {
    const stored = storage.get({ resource: "services", namespace, name });
    if (stored === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
    const spec = objectAt(JSON.parse(stored.json), "spec");
    if (spec["type"] === "ExternalName") return { host: stringAt(spec, "externalName"), port };
    const servicePort = objectsAt(spec, "ports").find((candidate) => candidate["port"] === port);
    if (servicePort === undefined) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
    const address = findEndpoint(storage, { namespace, name, portName: stringAt(servicePort, "name") });
    if (address === undefined) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
    return address;
  };
}

function findEndpoint(
  storage: Storage,
  { namespace, name, portName }: { namespace: string; name: string; portName: string },
): { host: string; port: number } | undefined {
  const slices = storage
    .list({ resource: "endpointslices.discovery.k8s.io", namespace })
    .map(({ json }) => JSON.parse(json) as KubeObject)
    .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === name);
  const endpoints = storage.get({ resource: "endpoints", namespace, name });
  const subsets = endpoints === undefined ? [] : objectsAt(JSON.parse(endpoints.json), "subsets");
  const places = [
    ...slices.map((slice) => ({ ports: arrayAt(slice, "ports"), hosts: readyHosts(slice) })),
    ...subsets.map((subset) => ({
      ports: arrayAt(subset, "ports"),
      hosts: arrayAt(subset, "addresses").map((address) => stringAt(address, "ip")),
    })),
  ];
  for (const { ports, hosts } of places) {
    const port = ports.filter(isJsonObject).find((candidate) => stringAt(candidate, "name") === portName)?.["port"];
    const host = hosts[0];
    if (typeof port === "number" && host !== undefined) return { host, port };
  }
  return undefined;
}

function readyHosts(slice: JsonObject): string[] {
  return arrayAt(slice, "endpoints")
    .filter((endpoint) => objectAt(endpoint, "conditions")["ready"] !== false)
    .flatMap((endpoint) => arrayAt(endpoint, "addresses").map(String));
}

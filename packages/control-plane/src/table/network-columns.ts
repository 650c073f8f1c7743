/** What `kubectl get` shows of Services and of how they are reached. */
import { isIPv6 } from "node:net";
import { arrayAt, objectAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatSelectorObject } from "../selectors/label-selector.ts";
import {
  AGE,
  column,
  field,
  formatLabels,
  formatSome,
  NAME,
  nameOrDefault,
  NONE,
  UNKNOWN,
  UNSET,
  wide,
} from "./column.ts";

const MOST = 3;

export const networkColumns: Record<string, readonly Column[]> = {
  Service: [
    NAME,
    field("Type", "spec.type"),
    field("Cluster-IP", "spec.clusterIP", NONE),
    column("External-IP", externalAddress),
    column("Port(s)", servicePorts),
    AGE,
    wide(column("Selector", ({ spec }) => formatLabels(valueAt(spec, "selector")))),
  ],
  Endpoints: [NAME, column("Endpoints", addressesOfSubsets), AGE],
  EndpointSlice: [
    NAME,
    field("AddressType", "addressType"),
    column("Ports", (slice) => {
      const ports = objectsAt(slice, "ports").map((port) => textOf(port["port"] ?? port["name"], "*"));
      return formatSome(ports, { most: MOST }) || UNSET;
    }),
    column("Endpoints", (slice) => {
      const addresses = objectsAt(slice, "endpoints").flatMap((endpoint) => arrayAt(endpoint, "addresses").map(String));
      return formatSome(addresses, { most: MOST }) || UNSET;
    }),
    AGE,
  ],
  Ingress: [
    NAME,
    field("Class", "spec.ingressClassName", NONE),
    column("Hosts", ingressHosts),
    column("Address", loadBalancerAddresses),
    column("Ports", ({ spec }) => (arrayAt(spec, "tls").length > 0 ? "80, 443" : "80")),
    AGE,
  ],
  IngressClass: [
    nameOrDefault("ingressclass.kubernetes.io/is-default-class"),
    field("Controller", "spec.controller"),
    column("Parameters", ({ spec }) => {
      const { kind = "", apiGroup, name = "" } = objectAt(spec, "parameters");
      if (valueAt(spec, "parameters") === undefined) return NONE;
      return `${textOf(kind)}${apiGroup === undefined ? "" : `.${textOf(apiGroup)}`}/${textOf(name)}`;
    }),
    AGE,
  ],
  NetworkPolicy: [
    NAME,
    column("Pod-Selector", ({ spec }) => formatSelectorObject(valueAt(spec, "podSelector")) || NONE),
    AGE,
  ],
};

function externalAddress(service: KubeObject): string {
  const { spec } = service;
  const external = arrayAt(spec, "externalIPs").join(",");
  switch (stringAt(spec, "type")) {
    case "ClusterIP":
    case "NodePort":
      return external || NONE;
    case "LoadBalancer":
      return [loadBalancerAddresses(service), external].filter((part) => part !== "").join(",") || "<pending>";
    case "ExternalName":
      return stringAt(spec, "externalName");
    default:
      return UNKNOWN;
  }
}

function loadBalancerAddresses(object: KubeObject): string {
  const ingress = objectsAt(valueAt(object, "status.loadBalancer"), "ingress");
  const addresses = ingress.map((entry) => stringAt(entry, "ip") || stringAt(entry, "hostname"));
  return [...new Set(addresses.filter((address) => address !== ""))].sort().join(",");
}

function servicePorts({ spec }: KubeObject): string {
  const format = ({ port, nodePort, protocol }: JsonObject): string =>
    `${String(port)}${nodePort === undefined ? "" : `:${textOf(nodePort)}`}/${textOf(protocol, "TCP")}`;
  return objectsAt(spec, "ports").map(format).join(",") || NONE;
}

function addressesOfSubsets(endpoints: KubeObject): string {
  const subsets = objectsAt(endpoints, "subsets");
  const addresses = subsets.flatMap((subset) => {
    const hosts = objectsAt(subset, "addresses").map((address) => stringAt(address, "ip"));
    const ports = objectsAt(subset, "ports");
    const toAddress = (ip: string, port: unknown): string => `${isIPv6(ip) ? `[${ip}]` : ip}:${String(port)}`;
    return ports.length === 0 ? hosts : ports.flatMap(({ port }) => hosts.map((ip) => toAddress(ip, port)));
  });
  return subsets.length === 0 ? NONE : formatSome(addresses, { most: MOST });
}

function ingressHosts({ spec }: KubeObject): string {
  const rules = objectsAt(spec, "rules");
  const hosts = rules.slice(0, MOST).map((rule) => stringAt(rule, "host"));
  const named = hosts.filter((host) => host !== "");
  return named.length === 0 ? "*" : formatSome(named, { most: MOST, total: rules.length });
}

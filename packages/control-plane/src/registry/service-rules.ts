/** What makes a Service invalid, and what of it may not change. */
import { isIP } from "node:net";
import { objectAt, objectsAt, stringAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { labelProblems, validateQualifiedName } from "../verbs/metadata-rules.ts";
import { duplicateValue, invalidValue, portProblems, requiredValue, unsupportedValue } from "./rule-causes.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES = ["ClientIP", "None"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

export function serviceRules(service: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const spec = objectAt(service, "spec");
  const { type = "", sessionAffinity = "None" } = spec;
  const address = stringAt(spec, "clusterIP");
  const before = stringAt(old?.["spec"], "clusterIP");
  const isAddress = address === "" || address === "None" || isIP(address) !== 0;
  return [
    ...portsProblems(service),
    ...(TYPES.includes(String(type)) ? [] : [unsupportedValue("spec.type", type, TYPES)]),
    ...(AFFINITIES.includes(String(sessionAffinity))
      ? []
      : [unsupportedValue("spec.sessionAffinity", sessionAffinity, AFFINITIES)]),
    ...Object.keys(objectAt(spec, "selector")).flatMap((key) => validateQualifiedName(key, "spec.selector")),
    ...(type === "ExternalName" && stringAt(spec, "externalName") === "" ? [requiredValue("spec.externalName")] : []),
    ...(isAddress
      ? []
      : [invalidValue("spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]),
    ...(before === "" || before === address || type === "ExternalName"
      ? []
      : [invalidValue("spec.clusterIPs[0]", [address], "may not change once set")]),
  ];
}

function portsProblems(service: KubeObject): StatusCause[] {
  const ports = objectsAt(service["spec"], "ports");
  const used = new Set<string>();
  return ports.flatMap((port, index): StatusCause[] => {
    const at = `spec.ports[${index}]`;
    const { protocol = "TCP", targetPort } = port;
    const name = stringAt(port, "name");
    const isTaken = name !== "" && used.has(name);
    used.add(name);
    return [
      ...(name === "" && ports.length > 1 ? [requiredValue(`${at}.name`)] : []),
      ...(name === "" ? [] : labelProblems(name).map((why) => invalidValue(`${at}.name`, name, why))),
      ...(isTaken ? [duplicateValue(`${at}.name`, JSON.stringify(name))] : []),
      ...portProblems(port["port"], `${at}.port`, { isZeroWrong: true }),
      ...(PROTOCOLS.includes(String(protocol)) ? [] : [unsupportedValue(`${at}.protocol`, protocol, PROTOCOLS)]),
      ...(typeof targetPort === "number" ? portProblems(targetPort, `${at}.targetPort`, { isZeroWrong: true }) : []),
    ];
  });
}

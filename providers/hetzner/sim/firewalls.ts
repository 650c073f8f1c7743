/** `/firewalls`. They filter nothing here; what counts is which servers they are applied to. */
import { actionView, startAction } from "./actions.ts";
import { HetznerError } from "./errors.ts";
import type { Input } from "./input.ts";
import type { ResourceOptions } from "./resource.ts";
import { serversOf, toTimestamp, type Cloud, type FirewallRecord } from "./state.ts";

const MAX_RULES = 50;
const MAX_NAME_LENGTH = 128;

export function firewalls(cloud: Cloud): ResourceOptions<FirewallRecord> {
  const serverIds = ({ id, project }: FirewallRecord): number[] =>
    [...serversOf(cloud, project)].filter((server) => server.firewalls.includes(id)).map((server) => server.id);
  return {
    kind: "firewall",
    what: "firewall",
    keys: ["firewall", "firewalls"],
    collection: cloud.firewalls,
    view: (firewall) => ({
      id: firewall.id,
      name: firewall.name,
      labels: firewall.labels,
      created: toTimestamp(firewall.created),
      rules: firewall.rules,
      applied_to: serverIds(firewall).map((id) => ({ type: "server", server: { id } })),
    }),
    read(input) {
      if ((input.text("name") ?? "").length > MAX_NAME_LENGTH) input.reject("name", "is too long");
      const rules = input.objects("rules").map(readRule);
      if (rules.length > MAX_RULES) input.reject("rules", `must not have more than ${MAX_RULES} entries`);
      if (input.objects("apply_to").length > 0)
        input.reject("apply_to", "is not simulated; name firewalls when creating a server");
      return (base) => ({ ...base, rules });
    },
    created({ id, project }) {
      const resources = [{ id, type: "firewall" }];
      const action = startAction(cloud, { project, command: "set_firewall_rules", resources });
      return { actions: [actionView(action, cloud.clock.now())] };
    },
    checkDelete(firewall) {
      if (serverIds(firewall).length > 0) throw new HetznerError("resource_in_use", "firewall is still in use");
    },
  };
}

const DIRECTIONS = ["in", "out"];
const PROTOCOLS = ["esp", "gre", "icmp", "tcp", "udp"];

function readRule(input: Input): object {
  const direction = input.requiredText("direction");
  const protocol = input.requiredText("protocol");
  if (!DIRECTIONS.includes(direction)) input.reject("direction", `must be one of: ${DIRECTIONS.join(", ")}`);
  if (!PROTOCOLS.includes(protocol)) input.reject("protocol", `must be one of: ${PROTOCOLS.join(", ")}`);
  const port = input.text("port") ?? null;
  if (/^(tcp|udp)$/.test(protocol) !== (port !== null)) input.reject("port", "belongs to protocols tcp and udp");
  return {
    direction,
    protocol,
    port,
    description: input.text("description") ?? null,
    source_ips: input.idsOrNames("source_ips"),
    destination_ips: input.idsOrNames("destination_ips"),
  };
}

/** For tests: a simulated cloud in memory with a clock that stands still, called as a client calls it. */
import {
  createVirtualClock,
  type Handler,
  type Simulator,
  type VirtualClock,
} from "@machine-controller/cloud-simulator";
import { hetznerSimulator, type HetznerSimulatorOptions } from "./simulator.ts";

/** As much of the answers as tests look at. */
export type Body = {
  server: ServerBody;
  servers: ServerBody[];
  action: ActionBody;
  actions: ActionBody[];
  next_actions: ActionBody[];
  root_password: string | null;
  network: { id: number; subnets: { ip_range: string; gateway: string }[] };
  firewall: { id: number; applied_to: { server: { id: number } }[] };
  placement_group: { id: number; servers: number[] };
  ssh_key: { id: number; fingerprint: string };
  images: { id: number; name: string; architecture: string }[];
  server_types: { id: number; name: string }[];
  error: { code: string; message: string; details: { fields?: { name: string }[] } | null };
  meta: { pagination: Record<string, number | null> };
};
type ServerBody = {
  id: number;
  name: string;
  status: string;
  labels: Record<string, string>;
  public_net: { ipv4: { ip: string } | null; ipv6: { ip: string } | null };
  private_net: { ip: string; network: number }[];
};
type ActionBody = {
  id: number;
  command: string;
  status: string;
  progress: number;
  error: { code: string } | null;
};
export type Answer = { status: number; headers: Headers; body: Body };
export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

export type SimulatedProject = {
  clock: VirtualClock;
  simulator: Simulator;
  call: Call;
  /** The same cloud, asked with another token. */
  as: (token: string | undefined) => Call;
};

type ProjectOptions = HetznerSimulatorOptions & { database?: string; wrap?: (handler: Handler) => Handler };

export const START = Date.parse("2026-01-01T00:00:00Z");

export function createSimulatedProject({
  wrap = (handler) => handler,
  ...options
}: ProjectOptions = {}): SimulatedProject {
  const clock = createVirtualClock(START);
  const simulator = hetznerSimulator.create({ database: ":memory:", clock, ...options });
  const handle = wrap(simulator.handle);
  const as =
    (token: string | undefined): Call =>
    async (method, path, body) => {
      const response = await handle(
        new Request(`https://api.hetzner.cloud/v1${path}`, {
          method,
          headers: {
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            "content-type": "application/json",
          },
          ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
        }),
      );
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: JSON.parse(text === "" ? "{}" : text) as Body,
      };
    };
  return { clock, simulator, call: as("simulated-token"), as };
}

export function serverOrder(changes: object = {}): object {
  return { name: "node-1", server_type: "cx23", image: "ubuntu-24.04", location: "nbg1", ...changes };
}

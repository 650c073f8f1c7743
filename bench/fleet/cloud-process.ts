// The other side of a fleet, in a process of its own: a simulated Hetzner Cloud whose calls cost nothing, and for each
// of its servers a Node that joins. Started by `startCloud`, which it answers over IPC.
import { createHetznerSimulator } from "@machine-controller/provider-hetzner/sim";
import { type Handler, serveSimulator } from "@machine-controller/cloud-simulator";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { type CloudOptions, type CloudReport, SEED_TOKEN } from "./cloud.ts";
import { joinNode, type Server } from "./join-node.ts";

const { kubeconfig, tokens, deadTokens, delayMs, joins } = JSON.parse(process.argv[2] ?? "{}") as CloudOptions;

const calls: Record<string, Record<string, number>> = {};
const createdAt: Record<string, number> = {};
const stopped = new AbortController();
const { client } = await connectKubeconfig({ kubeconfig, userAgent: "kubelet" });
const simulator = createHetznerSimulator({
  database: ":memory:",
  rateLimit: 1e9,
  cloudTiming: { createMs: 0, actionMs: 0 },
  tokens: {
    ...Object.fromEntries(tokens.map((token) => [token, { project: token }])),
    [SEED_TOKEN]: { project: tokens[0] ?? "" },
  },
  faults: delayMs === 0 ? [] : [{ on: "* /v1/*", action: { delayMs } }],
});

const handle: Handler = async (request) => {
  const { pathname } = new URL(request.url);
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  const isCreation = request.method === "POST" && pathname === "/v1/servers";
  const call = `${request.method} ${pathname.replaceAll(/\/\d+/g, "/*")}`;
  const ofToken = (calls[token] ??= {});
  ofToken[call] = (ofToken[call] ?? 0) + 1;
  const askedAt = Date.now();
  // Until the caller gives up.
  if (deadTokens.includes(token)) await new Promise(() => {});
  const response = await simulator.handle(request);
  if (!isCreation || response.status !== 201) return response;
  const text = await response.text();
  const { server } = JSON.parse(text) as { server: Server };
  createdAt[server.name] ??= askedAt;
  if (joins && token !== SEED_TOKEN) {
    void joinNode(client, server, stopped.signal).catch((error: unknown) => console.error("kubelet:", error));
  }
  return new Response(text, response);
};

const { url } = await serveSimulator({ ...simulator, handle }, { host: "127.0.0.1", port: 0 });
process.on("message", () => process.send?.({ calls, createdAt } satisfies CloudReport));
// The parent is gone.
process.once("disconnect", () => {
  stopped.abort();
  process.exit(0);
});
process.send?.({ url });

/** Red Hat's subscription service, and a Satellite server: every VM has registered itself there under its name. */
import type { SimulatedCloud } from "../clouds/cloud.ts";
import type { Endpoint } from "./network.ts";

export const SATELLITE = "satellite.simulation";

export function createRedHat(cloud: SimulatedCloud): Endpoint {
  const removed = new Set<string>();
  const systems = (): { uuid: string; name: string }[] =>
    cloud.vms.map(({ id, name }) => ({ uuid: `system-${id}`, name })).filter(({ uuid }) => !removed.has(uuid));

  return {
    name: "red-hat",
    kind: "cloud",
    stragglerMs: 20_000,
    mayRepeat: () => true,
    respond: (status) => Response.json({}, { status }),
    async handle(request) {
      const { hostname, pathname } = new URL(request.url);
      if (hostname === "sso.redhat.com") return Response.json({ access_token: "an-access-token" });
      if (request.method === "GET") return Response.json({ body: systems() });
      const wanted = decodeURIComponent(pathname.split("/").at(-1) ?? "");
      const found = systems().filter(({ uuid, name }) => (hostname === SATELLITE ? name : uuid) === wanted);
      for (const { uuid } of found) removed.add(uuid);
      if (found.length === 0) return Response.json({}, { status: 404 });
      return hostname === SATELLITE ? Response.json({}) : new Response(null, { status: 204 });
    },
  };
}

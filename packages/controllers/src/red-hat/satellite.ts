/** A Satellite server, by its hosts API. */
import type { Fetch } from "@machine-controller/provider";
import { exchange, RegistrationError } from "./exchange.ts";

export async function deleteSatelliteHost(
  fetch: Fetch,
  host: { name: string; server: string; user: string; password: string; signal: AbortSignal },
): Promise<void> {
  const { name, server, user, password, signal } = host;
  const missing = Object.entries({
    rhelSatelliteServer: server,
    rhelSubscriptionManagerUser: user,
    rhelSubscriptionManagerPassword: password,
  }).find(([, value]) => value === "");
  if (missing !== undefined) throw new RegistrationError(`operatingSystemSpec.${missing[0]} is empty; set it`);
  // A host name and nothing else: what follows it would be ours no more.
  if (!/^[\w.-]+(?::\d+)?$/.test(server)) {
    throw new RegistrationError("operatingSystemSpec.rhelSatelliteServer must be a host name, with a port or without");
  }
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const request = new Request(`https://${server}/api/v2/hosts/${encodeURIComponent(name)}`, {
    method: "DELETE",
    headers: { authorization },
    signal,
  });
  const response = await exchange(fetch, request, { title: `Satellite server ${server}`, expected: [200, 404] });
  await response.body?.cancel();
}

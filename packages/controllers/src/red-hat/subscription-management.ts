/** Red Hat Subscription Management, by its public API. */
import type { Fetch } from "@machine-controller/provider";
import { exchange, jsonOf, RegistrationError } from "./exchange.ts";

const TITLE = "Red Hat Subscription Management";
const TOKENS = "https://sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token";
const SYSTEMS = "https://api.access.redhat.com/management/v1/systems";
const PAGE_SIZE = 100;
const MOST_PAGES = 500;

type System = { uuid: string; name: string };

/** Removes every system of the name: one that registered twice is there twice. */
export async function removeSystems(
  fetch: Fetch,
  { name, offlineToken, signal }: { name: string; offlineToken: string; signal: AbortSignal },
): Promise<void> {
  const authorization = `Bearer ${await accessToken(fetch, offlineToken, signal)}`;
  for (const { uuid } of await systemsNamed(fetch, name, { authorization, signal })) {
    const url = `${SYSTEMS}/${encodeURIComponent(uuid)}`;
    const request = new Request(url, { method: "DELETE", headers: { authorization }, signal });
    const response = await exchange(fetch, request, { title: TITLE, expected: [204, 404] });
    await response.body?.cancel();
  }
}

async function accessToken(fetch: Fetch, offlineToken: string, signal: AbortSignal): Promise<string> {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: "rhsm-api", refresh_token: offlineToken });
  const request = new Request(TOKENS, { method: "POST", body, signal });
  const answer = await jsonOf(await exchange(fetch, request, { title: TITLE, expected: [200] }), { title: TITLE });
  const token = answer["access_token"];
  if (typeof token === "string" && token !== "") return token;
  throw new RegistrationError(`${TITLE} answered a token request without a token`);
}

async function systemsNamed(
  fetch: Fetch,
  name: string,
  { authorization, signal }: { authorization: string; signal: AbortSignal },
): Promise<System[]> {
  const found: System[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const url = `${SYSTEMS}?limit=${PAGE_SIZE}&offset=${page * PAGE_SIZE}`;
    const request = new Request(url, { headers: { authorization }, signal });
    const answer = await jsonOf(await exchange(fetch, request, { title: TITLE, expected: [200] }), { title: TITLE });
    const systems = answer["body"] ?? [];
    if (!Array.isArray(systems)) throw new RegistrationError(`${TITLE} answered with something that is not a list`);
    found.push(...(systems as System[]).filter((system) => system.name === name && system.uuid));
    if (systems.length < PAGE_SIZE) return found;
  }
  throw new RegistrationError(`${TITLE} has more than ${MOST_PAGES * PAGE_SIZE} systems`);
}

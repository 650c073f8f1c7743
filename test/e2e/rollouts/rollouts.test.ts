// On the embedded API server, in one process with the simulated cloud.
import { after, before, describe, test } from "node:test";
import { NAMESPACE } from "../provisioning/manifest.ts";
import { PROVIDERS } from "../provisioning/providers.ts";
import { openEmbedded, type Site } from "../provisioning/site.ts";
import { DRAINS } from "./drains.ts";
import { ROLLOUTS, type Scale } from "./rollouts.ts";

describe("rollouts", { concurrency: 8 }, () => {
  let site: Site;
  before(async () => {
    const [provider] = PROVIDERS;
    if (provider === undefined) throw new Error("there is no provider to roll out with");
    site = await openEmbedded(provider);
  });
  after(() => site?.close());

  const scale: Scale = async (resource, name, replicas) => {
    const patch = { type: "merge", body: { spec: { replicas } } } as const;
    await site.client.patch(resource, { namespace: NAMESPACE, name }, patch, {
      subresource: "scale",
      signal: site.signal,
    });
  };
  for (const { name, run } of [...ROLLOUTS, ...DRAINS]) test(name, () => run(site, scale));
});

// The suite itself: the same for every provider, cluster and cloud.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createAndDelete, createUpdateAndDelete, refuse } from "./machine-life.ts";
import type { ProviderEntry } from "./providers.ts";
import {
  credentialForms,
  credentialFromEnvironment,
  KUBERNETES_VERSIONS,
  matrix,
  mistakes,
  type Scenario,
} from "./scenarios.ts";
import { openEmbedded, type Site } from "./site.ts";

const PARALLEL = { concurrency: 16 };

/** @param more tests of a suite's own; they run when nothing else uses the site. */
export function describeProvisioning(
  provider: ProviderEntry,
  openSite: (provider: ProviderEntry) => Promise<Site>,
  more: (site: () => Site) => void = () => undefined,
): void {
  describe(provider.title, () => {
    let site: Site;
    before(async () => (site = await openSite(provider)));
    after(() => site?.close());

    more(() => site);
    describe("machines come and go", PARALLEL, () => {
      for (const scenario of [...matrix(provider), ...credentialForms(provider)]) {
        test(scenario.name, () => createAndDelete(site, scenario));
      }
      test("a changed template replaces the machine", () => createUpdateAndDelete(site, simplest(provider, "update")));
      for (const mistake of mistakes(provider)) test(`${mistake.name} is refused`, () => refuse(site, mistake));
    });
    test("nothing is left in the simulated cloud", async (t) => {
      if (!site.isSimulated) return t.skip("a real project may hold what is not ours");
      const { cloudApi: api, access, signal } = site;
      assert.deepEqual(await provider.inventory({ api, access, signal }), []);
    });
  });
}

export const simplest = ({ operatingSystems }: ProviderEntry, name: string): Scenario => ({
  name,
  operatingSystem: operatingSystems[0] ?? "",
  kubelet: KUBERNETES_VERSIONS[0],
});

/** Needs a controller of its own, since every other one must not have the credential. */
export function describeCredentialFromEnvironment(provider: ProviderEntry): void {
  test(`${provider.title}: the credential of the controller's own environment`, async () => {
    const [simulated = ""] = Object.values(provider.access).map(({ simulated }) => simulated);
    const site = await openEmbedded(provider, { [provider.credential.variable]: simulated });
    try {
      await createAndDelete(site, credentialFromEnvironment(provider));
    } finally {
      await site.close();
    }
  });
}

// What the pages tell readers to do to a cluster, done to a real API server with a real Helm.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createCleanUp } from "../e2e/clean-up.ts";
import { buildHelm } from "../peers/build.ts";
import { startRealControlPlane } from "../peers/real-control-plane.ts";
import { createReader, type Reader } from "./carry-out.ts";
import { snippetsOf } from "./page.ts";
import { CLUSTER_PAGES } from "./pages.ts";

const found = await buildHelm();
const skip = "skipped" in found && found.skipped;

/** What is on the cluster before a page begins. */
const GIVEN: Readonly<Record<string, string>> = { "docs/migrating.md": "go-installation.yaml" };

describe("what the pages say works on a cluster", { skip }, () => {
  for (const page of CLUSTER_PAGES) {
    describe(page, () => {
      const cleanUp = createCleanUp();
      let reader: Reader;
      before(async () => {
        const cluster = await startRealControlPlane({ unsafeNoFsync: true });
        if ("skipped" in cluster) throw new Error(cluster.skipped);
        cleanUp.defer(() => cluster.stop());
        const given = ["--kubeconfig", cluster.kubeconfigPath, "apply", "--filename"];
        const before = GIVEN[page];
        if (before) execFileSync(cluster.kubectl, [...given, join(import.meta.dirname, "testdata", before)]);
        reader = createReader({
          tools: { kubectl: cluster.kubectl, ...("helm" in found && { helm: found.helm }) },
          environment: { KUBECONFIG: cluster.kubeconfigPath },
        });
        cleanUp.defer(async () => reader.close());
      });
      after(() => cleanUp.run());
      for (const snippet of snippetsOf(page)) {
        test(`line ${snippet.line}`, { skip: snippet.notRun ?? false }, () => reader.carryOut(snippet));
      }
    });
  }
});

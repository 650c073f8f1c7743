// What the pages tell readers to do, done on a laptop.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createCleanUp } from "../e2e/clean-up.ts";
import { startController } from "../e2e/controller-process.ts";
import { findKubectl } from "../e2e/laptop/find-kubectl.ts";
import { createReader, type Reader } from "./carry-out.ts";
import { snippetsOf } from "./page.ts";
import { LAPTOP_PAGES } from "./pages.ts";

const found = await findKubectl();
const skip = "missing" in found && found.missing;
if ("missing" in found) console.log(`the pages' snippets are not carried out: ${found.missing}`);
const pages = LAPTOP_PAGES.map((page) => [page, snippetsOf(page)] as const).filter(([, { length }]) => length > 0);
assert.ok(pages.length > 2, "there are pages with snippets");

describe("what the pages say works on a laptop", { skip }, () => {
  for (const [page, snippets] of pages) {
    describe(page, () => {
      const cleanUp = createCleanUp();
      let reader: Reader;
      before(async () => {
        const folder = mkdtempSync(join(tmpdir(), "docs-laptop-"));
        cleanUp.defer(async () => rmSync(folder, { recursive: true, force: true }));
        const laptop = startController(["up", "--port", "0", "--state-dir", folder]);
        cleanUp.defer(() => laptop.stop());
        const [, kubeconfig = ""] = await laptop.printed(/^ +export KUBECONFIG=(\S+)$/m);
        const [, cloud = ""] = await laptop.printed(/^simulated Hetzner Cloud +(\S+)$/m);
        reader = createReader({
          tools: "path" in found ? { kubectl: found.path } : {},
          environment: { KUBECONFIG: kubeconfig, HCLOUD_ENDPOINT: cloud },
        });
        cleanUp.defer(async () => reader.close());
      });
      after(() => cleanUp.run());
      for (const snippet of snippets) {
        test(`line ${snippet.line}`, { skip: snippet.notRun ?? false }, () => reader.carryOut(snippet));
      }
    });
  }
});

// Helm takes some two minutes to build the first time. HELM names one that is there already; HELM=skip leaves it out.
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startBodyFor } from "./body.ts";
import { buildHelm } from "../peers/build.ts";

const CHART = join(import.meta.dirname, "testdata/chart");
const given = process.env["HELM"];
const built = given === "skip" ? { skipped: "HELM=skip" } : given ? { helm: given } : await buildHelm();

test(
  "Helm installs, upgrades, rolls back and uninstalls a chart with a custom kind",
  { skip: "skipped" in built && built.skipped },
  async (t) => {
    assert.ok("helm" in built && existsSync(built.helm));
    const { helm: path } = built;
    const { kubeconfigPath } = await startBodyFor(t);
    const home = mkdtempSync(join(tmpdir(), "helm-test-"));
    t.after(() => rmSync(home, { recursive: true }));
    const env = { PATH: process.env["PATH"], HOME: home, KUBECONFIG: kubeconfigPath };
    const helm = (command: string, pattern: RegExp, code = 0): void => {
      const { status, stdout, stderr } = spawnSync(path, command.split(" "), {
        env,
        encoding: "utf8",
        timeout: 60_000,
      });
      assert.match(stdout + stderr, pattern, command);
      assert.equal(status, code, `${command}: ${stdout}${stderr}`);
    };
    helm(`install one ${CHART} --wait --timeout 30s`, /STATUS: deployed\nREVISION: 1/);
    helm("list", /one\s+default\s+1\s+.*deployed\s+gizmos-0.1.0/);
    helm("get manifest one", /kubernetes: v1\.36[^]*knowsGizmos: "true"/);
    helm(`install one ${CHART}`, /cannot re-use a name that is still in use|cannot reuse a name/, 1);
    helm(`upgrade one ${CHART} --set size=5 --wait --timeout 30s`, /REVISION: 2/);
    helm(`upgrade one ${CHART} --set size=50`, /should be less than or equal to 10/, 1);
    helm(`upgrade one ${CHART} --set size=6,configMap=false`, /REVISION: 4/);
    helm("rollback one 2 --wait --timeout 30s", /Rollback was a success/);
    helm("get values one", /size: 5/);
    helm("history one", /4 .*superseded[^]*5 .*deployed.*Rollback to 2/);
    helm(
      `upgrade --install two ${CHART} --namespace other --create-namespace --rollback-on-failure --timeout 30s`,
      /STATUS: deployed/,
    );
    helm("uninstall one --wait --timeout 30s", /release "one" uninstalled/);
    helm("status one", /not found/, 1);
    helm("list -A", /^two\s+other\s+1/m);
  },
);

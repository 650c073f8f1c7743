// The chart's files as they are, without Helm: values against their schema, alert rules, and copies.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { CHART } from "./chart.ts";

const read = (file: string): unknown => parse(readFileSync(join(CHART, file), "utf8"));
const ALERTS = "files/alerts.yaml";
const noPromtool = spawnSync("promtool", ["--version"]).status === 0 ? false : "promtool is not installed";

type Schema = { properties?: Record<string, Schema>; additionalProperties?: unknown };
type Alerts = { groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[] };

test("the schema knows every value and no other", () => {
  const schema = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")) as Schema;
  const { global, ...properties } = schema.properties ?? {};
  assert.ok(global, "Helm itself may give this one");
  const walk = (values: unknown, { properties }: Schema, path: string): void => {
    if (properties === undefined) return;
    assert.deepEqual(Object.keys(properties).toSorted(), Object.keys(values as object).toSorted(), path);
    for (const [key, value] of Object.entries(values as object)) walk(value, properties[key] ?? {}, `${path}.${key}`);
  };
  walk(read("values.yaml"), { properties }, "values");
});

test("alert rules are PromQL, say what to do, and keep the names of the Go implementation's", () => {
  const rules = (read(ALERTS) as Alerts).groups.flatMap(({ rules }) => rules);
  for (const { alert, expr, annotations } of rules) {
    assert.ok(!hasError(expr), `${alert}: ${expr}`);
    assert.ok(annotations["summary"] && annotations["description"], `${alert} lacks a summary or a description`);
  }
  const names = rules.map(({ alert }) => alert);
  for (const name of ["MachineControllerDown", "MachineControllerTooManyErrors", "MachineControllerDeleting"]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(hasError("rate(machine_controller_errors_total[5m]"), "a missing bracket is an error");
});

test("promtool takes the alert rules, which fire and stay silent where they should", { skip: noPromtool }, () => {
  execFileSync("promtool", ["check", "rules", "--lint=all", "--lint-fatal", join(CHART, ALERTS)], { stdio: "inherit" });
  execFileSync("promtool", ["test", "rules", join(import.meta.dirname, "testdata/alerts.test.yaml")], {
    stdio: "inherit",
  });
});

function hasError(expr: string): boolean {
  let found = false;
  parser.parse(expr).iterate({ enter: ({ type }) => void (found ||= type.isError) });
  return found;
}

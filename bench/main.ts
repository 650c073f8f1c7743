// `npm run bench [-- NAME …]`: performance as ratios, each against a peer or a goal in the same run on one machine.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { apiServer } from "./api-server/api-server.ts";
import { type Bench, printFigures } from "./bench.ts";
import { createLatency } from "./fleet/create-latency.ts";
import { large } from "./fleet/large.ts";
import { life } from "./fleet/life.ts";

const BENCHES: readonly Bench[] = [apiServer, life, createLatency, large];
const HELP = `npm run bench [-- NAME … --machines N --body real|embedded --rest-seconds N --profile FOLDER]

${BENCHES.map(({ name, about, machines }) => `  ${name.padEnd(16)}${about}${machines === undefined ? "" : ` (${machines} Machines)`}`).join("\n")}

  --machines N        so many Machines instead
  --body BODY         the API server of the Machines: real (etcd and kube-apiserver, built with Go), or embedded
  --rest-seconds N    how long a fleet at rest is watched (60)
  --profile FOLDER    leaves CPU profiles of the controller there`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    machines: { type: "string" },
    body: { type: "string", default: "real" },
    "rest-seconds": { type: "string", default: "60" },
    profile: { type: "string" },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0 || (values.body !== "real" && values.body !== "embedded")) {
  console.error(`${[...unknown.map((name) => `no bench ${name}`), `--body ${values.body}`].join(", ")}?\n\n${HELP}`);
  process.exit(1);
}

const stopped = new AbortController();
process.once("SIGINT", () => stopped.abort(new Error("interrupted")));
console.log(`node ${process.version}, ${availableParallelism()} cores, shared by all processes of a bench`);
for (const bench of BENCHES) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  const figures = await bench.run({
    machines: Number(values.machines ?? bench.machines ?? 0),
    body: values.body,
    restMs: Number(values["rest-seconds"]) * 1_000,
    profileFolder: values.profile,
    signal: stopped.signal,
    progress: (line) => console.error(`  … ${line}`),
  });
  printFigures(bench.name, figures);
}
process.exit(0);

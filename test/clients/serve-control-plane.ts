// Serves an embedded control plane until it is killed: `serve-control-plane.ts [--without-controllers] FOLDER [PORT
// [KEPT_REVISIONS]]`. What it keeps is in FOLDER, where it also leaves a kubeconfig; it prints the path of that once it
// listens.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import { systemClock } from "@machine-controller/kube-runtime";
import { systemRandom } from "../../apps/machine-controller/src/environment.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "without-controllers": { type: "boolean", default: false } },
});
const [folder = ".", port = "0", keptRevisions] = positionals;
const controlPlane = await createControlPlane({
  database: join(folder, "cluster.db"),
  clock: systemClock,
  random: systemRandom,
  ...(keptRevisions === undefined ? {} : { keptRevisions: Number(keptRevisions) }),
  log: (line) => console.error(JSON.stringify(line)),
});
const { url } = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: Number(port) });
await controlPlane.setEndpoint(url);
const kubeconfig = join(folder, "kubeconfig");
writeFileSync(kubeconfig, await controlPlane.kubeconfig({ server: url }), { mode: 0o600 });
// A profile (--cpu-prof) is written by a process that exits, not by one that a signal ends.
process.once("SIGINT", () => process.exit(0));
console.log(kubeconfig);
if (!values["without-controllers"]) await controlPlane.run(new AbortController().signal);

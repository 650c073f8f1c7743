// Serves an embedded control plane on a port of its own until it is killed; prints the path of a kubeconfig.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createControlPlane, serveControlPlane } from "@machine-controller/control-plane";
import { systemClock } from "@machine-controller/kube-runtime";
import { systemRandom } from "../apps/machine-controller/src/environment.ts";

const folder = process.argv[2] ?? ".";
const controlPlane = await createControlPlane({
  database: join(folder, "cluster.db"),
  clock: systemClock,
  random: systemRandom,
});
const { url } = await serveControlPlane(controlPlane, { host: "127.0.0.1", port: 0 });
const kubeconfig = join(folder, "kubeconfig");
writeFileSync(kubeconfig, await controlPlane.kubeconfig({ server: url }), { mode: 0o600 });
console.log(kubeconfig);
await controlPlane.run(new AbortController().signal);

/** The binary: the production controller (`run`, also without a command, as the Go binary is called) and the laptop (`up`). */
import { isKubeError } from "@machine-controller/kube-client";
import { createProgram } from "./command-line.ts";
import { toLongFlags } from "./flags/define-flags.ts";
import { UsageError } from "./usage-error.ts";

try {
  await createProgram({ environment: process.env, stdout: process.stdout, stderr: process.stderr }).parseAsync(
    toLongFlags(process.argv.slice(2)),
    { from: "user" },
  );
  // Whatever a library left open must not keep a stopped controller alive.
  process.exit(0);
} catch (error) {
  const expected = error instanceof UsageError || isKubeError(error);
  console.error(expected ? `machine-controller: ${error.message}` : error);
  process.exit(1);
}

import { accessSync, constants, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../usage-error.ts";

export type StateFolder = {
  readonly path: string;
  /** Databases of the control plane and of each simulated cloud. */
  database(name: string): string;
  readonly kubeconfig: string;
  readonly log: string;
};

/** Makes the folder, readable by its owner alone. @throws UsageError where it cannot be written. */
export function openStateFolder(folder: string): StateFolder {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new UsageError(
      `--state-dir ${path} cannot be written (${code}); choose another folder or change its permissions`,
      { cause },
    );
  }
  return {
    path,
    database: (name) => join(path, `${name}.db`),
    kubeconfig: join(path, "kubeconfig"),
    log: join(path, "machine-controller.log"),
  };
}

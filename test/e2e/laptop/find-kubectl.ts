// A kubectl that this machine happens to have.
import { execFile } from "node:child_process";
import { readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

const OLDEST_MINOR = 28;
/** Some installations keep several versions side by side. */
const NAMES = /^kubectl(\.1\.\d+)?(\.exe)?$/;

/** Path of the newest one on the PATH, and of those beside it; `missing` says what was looked for. */
export async function findKubectl(): Promise<{ path: string; version: string } | { missing: string }> {
  const onPath = kubectlsIn((process.env["PATH"] ?? "").split(delimiter));
  const all = kubectlsIn([...onPath.map(dirname), ...onPath.map((path) => dirname(realpathSync(path)))]);
  const candidates = (await Promise.all(all.map(versionOf))).flat().sort((a, b) => b.minor - a.minor);
  const [newest] = candidates;
  if (newest === undefined) return { missing: "no kubectl on the PATH" };
  if (newest.minor < OLDEST_MINOR) {
    return { missing: `kubectl is ${newest.version}, and this needs v1.${OLDEST_MINOR} or newer` };
  }
  return newest;
}

function kubectlsIn(folders: readonly string[]): string[] {
  return [...new Set(folders)].flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => NAMES.test(name))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  });
}

async function versionOf(path: string): Promise<{ path: string; version: string; minor: number }[]> {
  try {
    const { stdout } = await promisify(execFile)(path, ["version", "--client", "--output=json"]);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string; minor: string } };
    return [{ path, version: clientVersion.gitVersion, minor: Number.parseInt(clientVersion.minor) }];
  } catch {
    return [];
  }
}

/** A simulated machine: what the cloud gave it, and what happens from power-on to a running kubelet. */
import type { Clock } from "./clock.ts";
import { createDisk, type Disk, type DiskFiles } from "./disk.ts";
import type { Connect } from "./handler.ts";
import { createInitSystem, type InitSystem } from "./init-system.ts";
import { KubeletOptionsError, parseKubeletOptions, type KubeletOptions } from "./kubelet-options.ts";
import { runKubelet } from "./kubelet.ts";
import { primaryAddress, type MachineSpec } from "./machine-spec.ts";
import { hex, uuid, type Random } from "./random.ts";
import { parseUserData, UserDataError } from "./user-data.ts";

export type MachineTiming = {
  /** From power-on to the first program of the machine. */
  bootMs: number;
  /** From the registration of the Node to Ready. */
  readyMs: number;
};

export type MachineContext = {
  spec: () => MachineSpec;
  files: DiskFiles;
  clock: Clock;
  random: Random;
  connect: Connect;
  timing: MachineTiming;
  log: (line: string) => void;
  save: () => void;
};

const INSTANCE_MARK = "/var/lib/cloud/instance/boot-finished";
const MACHINE_ID = "/etc/machine-id";
const HOSTNAME = "/etc/hostname";

/** One power-on: returns when nothing runs on the machine that could join a cluster, else runs until aborted. */
export async function runMachine(context: MachineContext, signal: AbortSignal): Promise<void> {
  const { clock, random, log, timing } = context;
  const disk = createDisk(context.files);
  await clock.sleep(timing.bootMs, { signal });
  if (disk.read(MACHINE_ID) === undefined) disk.write(MACHINE_ID, hex(random, 32));
  const init = createInitSystem({
    disk,
    hostname: disk.read(HOSTNAME) ?? context.spec().name.toLowerCase(),
    facts: (hostname) => ({ KUBELET_HOSTNAME: hostname, KUBELET_NODE_IP: primaryAddress(context.spec()) ?? "" }),
    log,
  });
  runCloudInit(context.spec().userData, { disk, init, log });
  init.startEnabledUnits();
  disk.write(HOSTNAME, init.hostname());
  const options = kubeletOptions(init, { disk, log });
  context.save();
  if (options === undefined) return;
  const machineId = disk.read(MACHINE_ID) ?? "";
  await runKubelet(
    {
      ...context,
      options,
      disk,
      machine: context.spec,
      identity: { machineId, systemUuid: machineId, bootId: uuid(random) },
      readyMs: timing.readyMs,
    },
    signal,
  );
}

type Boot = { disk: Disk; log: (line: string) => void };

/** Files and commands once in the life of the machine, boot commands each time, as cloud-init does. */
function runCloudInit(userData: string, { disk, init, log }: Boot & { init: InitSystem }): void {
  if (userData === "") return log("cloud-init: no user data");
  try {
    const parsed = parseUserData(userData);
    const isFirstBoot = disk.read(INSTANCE_MARK) === undefined;
    for (const command of parsed.bootCommands) init.run(command);
    if (!isFirstBoot) return;
    for (const warning of parsed.warnings) log(`cloud-init: ${warning}`);
    for (const { path, content, mode, append } of parsed.files) {
      disk.write(path, append ? (disk.read(path) ?? "") + content : content, mode);
    }
    if (parsed.hostname !== undefined) init.run(["hostnamectl", "set-hostname", parsed.hostname]);
    log(`cloud-init: wrote ${parsed.files.length} files, running ${parsed.runCommands.length} commands`);
    for (const command of parsed.runCommands) init.run(command);
    disk.write(INSTANCE_MARK, "");
  } catch (error) {
    if (!(error instanceof UserDataError)) throw error;
    log(`cloud-init: ${error.message}`);
  }
}

const INSTALLED = "/var/lib/simulated-machine/scripts.json";

function kubeletOptions(init: InitSystem, { disk, log }: Boot): KubeletOptions | undefined {
  const commandLine = init.kubelet();
  if (commandLine === undefined) {
    log("no unit or command started a kubelet: this machine does not join a cluster");
    return undefined;
  }
  // A second boot installs nothing: what the scripts of the first one installed is still there.
  const before = JSON.parse(disk.read(INSTALLED) ?? "[]") as string[];
  const ranScripts = [...init.ranScripts(), ...before];
  try {
    const options = parseKubeletOptions({ commandLine, ranScripts, hostname: init.hostname(), disk });
    disk.write(INSTALLED, JSON.stringify([`KUBE_VERSION=${options.version}`]));
    return options;
  } catch (error) {
    if (!(error instanceof KubeletOptionsError)) throw error;
    log(`kubelet: ${error.message}`);
    return undefined;
  }
}

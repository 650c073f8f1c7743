/**
 * What happens on a machine between power-on and a running kubelet: commands and scripts are followed, systemd units
 * enabled and started. A kubelet which nothing ever starts is never found here.
 */
import type { Disk } from "./disk.ts";
import { parseShell, withoutPrefixes, type ShellCommand } from "./shell.ts";
import { expandCommand, readEnvironment, readUnit, unitName, type Environment } from "./systemd-unit.ts";
import type { CloudCommand } from "./user-data.ts";

export type InitSystem = {
  run(command: CloudCommand): void;
  /** Starts what was enabled, as a boot does. */
  startEnabledUnits(): void;
  /** The program line of the kubelet that was started, with its variables filled in. */
  kubelet(): string[] | undefined;
  /** Every script text that ran: what installs a kubelet says its version there. */
  ranScripts(): readonly string[];
  hostname(): string;
};

export type InitSystemOptions = {
  disk: Disk;
  hostname: string;
  /** Values for variables that scripts of the machine would find out at run time. */
  facts: (hostname: string) => Environment;
  log: (line: string) => void;
};

const WANTED = "/etc/systemd/system/multi-user.target.wants";
const MASKED = "/etc/systemd/system/.masked";
/** A script that calls itself, directly or not, ends here. */
const MAX_DEPTH = 12;

export function createInitSystem({ disk, facts, log, ...options }: InitSystemOptions): InitSystem {
  const started = new Set<string>();
  const scripts: string[] = [];
  let hostname = options.hostname;
  let kubelet: string[] | undefined;
  let depth = 0;

  const runScript = (text: string, args: readonly string[] = []): void => {
    if (depth >= MAX_DEPTH) return;
    depth += 1;
    scripts.push(text);
    for (const command of parseShell(text, args)) execute(command);
    depth -= 1;
  };

  const execute = ({ words, heredoc }: ShellCommand): void => {
    const [program, ...args] = withoutPrefixes(words);
    if (program === undefined) return;
    const target = words[words.findIndex((word) => /^\d*>>?$/.test(word)) + 1];
    if (heredoc !== undefined && target?.startsWith("/") && (heredoc.quoted || !/[$`]/.test(heredoc.body))) {
      disk.write(target, heredoc.body);
    }
    const name = program.split("/").at(-1);
    const [first] = args;
    if (name === "systemctl") systemctl(args);
    else if (name === "kubelet" && first?.startsWith("--") && first !== "--version") kubelet = [program, ...args];
    else if (name === "hostnamectl" && args.includes("set-hostname")) setHostname(args.at(-1) ?? "");
    else if (name === "chmod" && /^(\d+|[ugoa]*\+x)$/.test(first ?? ""))
      args.slice(1).forEach((path) => chmod(path, first ?? ""));
    else if (name === "bash" || name === "sh") runShell(args);
    else if (name === "source" || name === ".") runFile(first ?? "", args.slice(1));
    else if (disk.isExecutable(program)) runFile(program, args);
    else if (disk.read(program) !== undefined) log(`${program}: Permission denied`);
  };

  const runShell = (args: readonly string[]): void => {
    const inline = args.findIndex((arg) => /^-\w*c$/.test(arg));
    if (inline >= 0) return runScript(args[inline + 1] ?? "", args.slice(inline + 3));
    const [path, ...rest] = args.filter((arg) => !arg.startsWith("-"));
    if (path !== undefined) runFile(path, rest);
  };

  const runFile = (path: string, args: readonly string[]): void => {
    const text = disk.read(path);
    if (text !== undefined) runScript(text, args);
  };

  const chmod = (path: string, mode: string): void => {
    const file = disk.files[path];
    if (file === undefined) return;
    disk.write(path, file.content, /^\d+$/.test(mode) ? Number.parseInt(mode, 8) : file.mode | 0o111);
  };

  const setHostname = (name: string): void => {
    if (/^[\w.-]+$/.test(name)) hostname = name.toLowerCase();
  };

  const systemctl = (args: readonly string[]): void => {
    const [verb, ...units] = args.filter((arg) => !arg.startsWith("-"));
    const now = args.includes("--now");
    for (const unit of units.map(unitName)) {
      switch (verb ?? "") {
        case "enable":
        case "reenable":
          disk.write(`${WANTED}/${unit}`, "");
          if (now) start(unit);
          break;
        case "disable":
          disk.remove(`${WANTED}/${unit}`);
          if (now) stop(unit);
          break;
        case "mask":
          disk.write(`${MASKED}/${unit}`, "");
          break;
        case "unmask":
          disk.remove(`${MASKED}/${unit}`);
          break;
        case "start":
          start(unit);
          break;
        case "restart":
        case "reload-or-restart":
          stop(unit);
          start(unit);
          break;
        case "stop":
          stop(unit);
          break;
        default:
          break;
      }
    }
  };

  const stop = (unit: string): void => {
    started.delete(unit);
    if (unit === "kubelet.service") kubelet = undefined;
  };

  const start = (name: string): void => {
    if (started.has(name)) return;
    const unit = readUnit(disk, name);
    if (disk.read(`${MASKED}/${name}`) !== undefined) return log(`Failed to start ${name}: Unit ${name} is masked.`);
    if (unit === undefined) {
      if (name === "kubelet.service") log(`Failed to start ${name}: Unit ${name} not found.`);
      return;
    }
    started.add(name);
    const wanted = ["Wants", "Requires"].flatMap((key) => unit.values(key)).flatMap((line) => line.split(/\s+/));
    for (const other of wanted) if (other.endsWith(".service")) start(other);
    for (const line of unit.values("ExecStartPre")) execute({ words: expandCommand(line, {}).words });
    const { environment, missing } = readEnvironment(unit, disk);
    const absent = missing.find((path) => !scripts.some((script) => script.includes(path)));
    if (absent !== undefined)
      return log(`${name}: Failed to load environment files: ${absent}: No such file or directory`);
    log(`Started ${name}.`);
    for (const line of unit.values("ExecStart")) {
      const known = { ...facts(hostname), ...environment };
      const { words, unset } = expandCommand(line.replaceAll("%H", hostname), known);
      for (const variable of unset) log(`${name}: Referenced but unset environment variable: ${variable}`);
      execute({ words });
    }
  };

  return {
    run: (command) => (typeof command === "string" ? runScript(command) : runScript(command.map(quote).join(" "))),
    startEnabledUnits() {
      for (const path of disk.list(WANTED)) start(path.slice(WANTED.length + 1));
    },
    kubelet: () => kubelet,
    ranScripts: () => scripts,
    hostname: () => hostname,
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

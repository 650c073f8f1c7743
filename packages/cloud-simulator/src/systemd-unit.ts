/** Reads a unit from a machine's disk, with its drop-ins, and works out the command it starts. */
import type { Disk } from "./disk.ts";
import { splitWords } from "./shell.ts";

export type SystemdUnit = {
  name: string;
  /** Values of a key over unit and drop-ins; an empty assignment clears the earlier ones, as systemd does. */
  values(key: string): string[];
};

const UNIT_FOLDERS = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

export function unitName(name: string): string {
  return /\.[a-z]+$/.test(name) ? name : `${name}.service`;
}

/** Undefined if there is no such unit on the disk. */
export function readUnit(disk: Disk, name: string): SystemdUnit | undefined {
  const main = UNIT_FOLDERS.map((folder) => disk.read(`${folder}/${name}`)).find((text) => text !== undefined);
  if (main === undefined) return undefined;
  const dropIns = UNIT_FOLDERS.flatMap((folder) => disk.list(`${folder}/${name}.d`))
    .filter((path) => path.endsWith(".conf"))
    .map((path) => disk.read(path) ?? "");
  const settings = [main, ...dropIns].flatMap(parseSettings);
  return {
    name,
    values(key) {
      const values: string[] = [];
      for (const [candidate, value] of settings) {
        if (candidate !== key) continue;
        if (value === "") values.length = 0;
        else values.push(value);
      }
      return values;
    },
  };
}

function parseSettings(text: string): [key: string, value: string][] {
  return text
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[#;[]/.test(line))
    .map((line) => {
      const equals = line.indexOf("=");
      return equals < 0 ? [line, ""] : [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    });
}

export type Environment = Record<string, string>;

/** `Environment=` and `EnvironmentFile=`; `missing` names files without a `-` in front that are not there. */
export function readEnvironment(unit: SystemdUnit, disk: Disk): { environment: Environment; missing: string[] } {
  const environment: Environment = {};
  const missing: string[] = [];
  const assign = (assignment: string): void => {
    const equals = assignment.indexOf("=");
    if (equals > 0) environment[assignment.slice(0, equals)] = assignment.slice(equals + 1);
  };
  for (const line of unit.values("Environment")) splitWords(line).forEach(assign);
  for (const file of unit.values("EnvironmentFile")) {
    const text = disk.read(file.replace(/^-/, ""));
    if (text === undefined && !file.startsWith("-")) missing.push(file);
    for (const line of (text ?? "").split("\n")) if (!line.startsWith("#")) splitWords(line).forEach(assign);
  }
  return { environment, missing };
}

/** Words of an `ExecStart=` with variables filled in; a variable of its own (`$ARGS`) may become several words or none. */
export function expandCommand(line: string, environment: Environment): { words: string[]; unset: string[] } {
  const unset: string[] = [];
  const lookUp = (name: string): string => {
    const value = environment[name];
    if (value === undefined) unset.push(name);
    return value ?? "";
  };
  const words = splitWords(line.replace(/^[-@+!:]+/, "")).flatMap((word) => {
    const whole = /^\$(\w+)$/.exec(word)?.[1];
    if (whole !== undefined) return splitWords(lookUp(whole));
    return [word.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => lookUp(name))];
  });
  return { words, unset };
}

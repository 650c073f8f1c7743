/** What a bench is, and how its figures are printed: each beside the goal or the peer that it is held against. */

export type Settings = {
  /** How many Machines. */
  machines: number;
  /** The API server: etcd and kube-apiserver, or the embedded one, which needs no Go. */
  body: "real" | "embedded";
  /** How long a fleet at rest is watched. */
  restMs: number;
  /** Folder for CPU profiles of the controller; none without it. */
  profileFolder: string | undefined;
  signal: AbortSignal;
  progress: (line: string) => void;
};

export type Bench = {
  readonly name: string;
  /** One sentence for `--help`. */
  readonly about: string;
  /** Where a bench has no Machines, the settings say nothing to it. */
  readonly machines?: number;
  run(settings: Settings): Promise<Figure[]>;
};

export type Figure = {
  readonly what: string;
  readonly measured: string;
  readonly goal?: string;
  readonly isMet?: boolean;
};

type Limit = { atLeast: number } | { atMost: number };

/** A figure with a goal; `digits` after the point. */
export function held(what: string, value: number, form: { unit: string; digits?: number } & Limit): Figure {
  const { unit, digits = 0 } = form;
  const shown = (number: number): string => `${number.toFixed(digits)} ${unit}`.trimEnd();
  return "atLeast" in form
    ? { what, measured: shown(value), goal: `≥ ${shown(form.atLeast)}`, isMet: value >= form.atLeast }
    : { what, measured: shown(value), goal: `≤ ${shown(form.atMost)}`, isMet: value <= form.atMost };
}

export const figure = (
  what: string,
  value: number,
  { unit, digits = 0 }: { unit: string; digits?: number },
): Figure => ({
  what,
  measured: `${value.toFixed(digits)} ${unit}`.trimEnd(),
});

export function printFigures(title: string, figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ what }) => what.length));
  console.log(`\n${title}`);
  for (const { what, measured, goal = "", isMet } of figures) {
    const verdict = isMet === undefined ? "" : isMet ? "  met" : "  MISSED";
    console.log(`  ${what.padEnd(width)}  ${measured.padStart(16)}  ${goal.padEnd(16)}${verdict}`.trimEnd());
  }
}

/** The smallest value that `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

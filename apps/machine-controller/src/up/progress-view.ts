/** Shows progress: one line an event, and on a terminal a live line for each Machine on its way. */
import { moveCursor } from "node:readline";
import { type Journey, type ProgressEvent, STAGES } from "./progress.ts";

export type ProgressView = {
  tell(event: ProgressEvent): void;
  /** Prints a line above the live part. */
  print(text: string): void;
};

const MOST_LIVE_LINES = 20;

export function createProgressView(out: NodeJS.WriteStream, journeys: () => Journey[]): ProgressView {
  let liveLines = 0;

  function redraw(text: string): void {
    if (!out.isTTY) return void out.write(text);
    moveCursor(out, 0, -liveLines);
    out.write(`\x1b[0J${text}`);
    const live = journeys()
      .slice(0, MOST_LIVE_LINES)
      .map((journey) => fit(liveLine(journey), out.columns));
    out.write(live.map((line) => `${line}\n`).join(""));
    liveLines = live.length;
  }

  return {
    print: (text) => redraw(`${text}\n`),
    tell(event) {
      switch (event.type) {
        case "stage":
          if (event.stage === "Ready") return redraw(`✔ ${event.journey.name}  ${timesOf(event.journey)}\n`);
          return redraw(out.isTTY ? "" : `  ${event.journey.name}  ${event.stage} +${seconds(event.atMs)}\n`);
        case "trouble":
          return redraw(`✖ ${event.journey.name}  ${event.message}\n`);
        case "deleting":
          return redraw(`− ${event.name}  ${event.why || "deleting"}\n`);
        case "deleted":
          return redraw(`− ${event.name}  gone\n`);
      }
    },
  };
}

export const timesOf = ({ reached }: Journey): string =>
  STAGES.filter((stage) => reached.has(stage))
    .map((stage) => `${stage} ${seconds(reached.get(stage) ?? 0)}`)
    .join(" · ");

function liveLine(journey: Journey): string {
  const next = STAGES.find((stage) => !journey.reached.has(stage));
  return `… ${journey.name}  ${[timesOf(journey), next].filter(Boolean).join(" → ")}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const fit = (line: string, columns = 80): string => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`);

/** Where in controllers and providers a message was sent from: every frame of theirs on the stack, awaits included. */

/** `packages/controllers/src/machine/act.ts:132:18`: file, line and column as in the source. */
export type CallSite = string;

const FRAME = /\/((?:packages\/controllers\/src|providers\/[\w-]+\/src)\/[\w/.-]+\.ts):(\d+):(\d+)/;

export function callSitesOf(sentAt: Error | undefined): CallSite[] {
  return (sentAt?.stack ?? "").split("\n").flatMap((line) => {
    const [, file, row, column] = FRAME.exec(line) ?? [];
    return file === undefined ? [] : [`${file}:${row}:${column}`];
  });
}

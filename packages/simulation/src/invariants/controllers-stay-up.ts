import type { Invariant } from "./invariant.ts";

/** What a process may end for: it then starts again with nothing lost. */
const FAIR_ENDS = [/leadership was/, /not synced in/];

export const controllersStayUp: Invariant = {
  name: "controllers stay up",
  promise:
    "No controller ends of itself, except that it lost its leadership or could not reach the API server at its start.",
  when: "always",
  watch: ({ timeline }) => {
    let seen = 0;
    let broken: string | undefined;
    return () => {
      for (const { what } of timeline.moments.slice(seen)) {
        const [, reason] = /^dies .*: (?:gave up: |ended)(.*)/.exec(what) ?? [];
        if (reason !== undefined && !FAIR_ENDS.some((end) => end.test(reason)))
          broken ??= `a controller ended: ${reason}`;
      }
      seen = timeline.moments.length;
      return broken;
    };
  },
};

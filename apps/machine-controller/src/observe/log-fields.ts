/** Gives every line that is logged within a reconcile the same request id, and the names of what it is about. */
import type { LogContext, LogFields } from "../log/log-context.ts";
import type { Around } from "./work.ts";

export function withLogFields(options: {
  context: LogContext;
  newId: () => string;
  /** More of a Machine, by its key. */
  ofMachine: (key: string) => LogFields;
}): Around {
  const { context, newId, ofMachine } = options;
  return (work, run) => {
    if (work.kind !== "reconcile") return run();
    const { controller, key } = work;
    const about = controller === "machine" ? { machine: key, ...ofMachine(key) } : { object: key };
    return context.with({ controller, ...about, requestId: newId() }, run);
  };
}

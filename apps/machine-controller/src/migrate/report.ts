/** What a migration did, or would do: one line an object, and what a person has to look at. */

export type Finding = {
  readonly object: string;
  /** `done`: changed, or would be; `fine`: nothing to do; `problem`: left as it is. */
  readonly outcome: "done" | "fine" | "problem";
  readonly message: string;
};

export type Report = {
  readonly findings: readonly Finding[];
  add(finding: Finding): void;
};

export function createReport(tell: (finding: Finding) => void): Report {
  const findings: Finding[] = [];
  return {
    findings,
    add(finding) {
      findings.push(finding);
      tell(finding);
    },
  };
}

/** Handles each object by itself: what fails for one is reported, and the others go on. */
export async function forEachObject<T>(
  objects: readonly T[],
  { nameOf, report, signal }: { nameOf: (object: T) => string; report: Report; signal: AbortSignal },
  handle: (object: T) => Promise<Omit<Finding, "object">>,
): Promise<void> {
  for (const object of objects) {
    signal.throwIfAborted();
    try {
      report.add({ object: nameOf(object), ...(await handle(object)) });
    } catch (error) {
      if (signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      report.add({ object: nameOf(object), outcome: "problem", message });
    }
  }
}

/** Threads that do one task after the other: the next one goes to whoever is free. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export type ThreadsOptions<Task, Result> = {
  /** Answers each message, a task, with one of its own. */
  script: URL;
  count: number;
  /** Asked for the next one when a thread is free. */
  tasks: Iterator<Task>;
  /** What a task is, for the error where it brings its thread down. */
  nameOf(task: Task): string;
  onDone(result: Result, task: Task): void;
};

/** @throws where a task brings its thread down; the message names it. */
export async function runInThreads<Task, Result>(options: ThreadsOptions<Task, Result>): Promise<void> {
  const { script, count, tasks, nameOf, onDone } = options;
  const work = async (): Promise<void> => {
    const worker = new Worker(script);
    let what = "no task";
    const died = new Promise<never>((_resolve, reject) => {
      worker.once("error", (cause) => reject(new Error(`${what} brought its worker down`, { cause })));
    });
    died.catch(() => undefined);
    try {
      for (let next = tasks.next(); next.done !== true; next = tasks.next()) {
        what = nameOf(next.value);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage(next.value);
        const [result] = (await Promise.race([once(worker, "message"), died])) as [Result];
        onDone(result, next.value);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: count }, work));
}

/** Fields that every line of one piece of work bears, however deep it is logged: controller, machine, requestId. */
import { AsyncLocalStorage } from "node:async_hooks";

export type LogFields = Readonly<Record<string, unknown>>;

export type LogContext = {
  current(): LogFields;
  /** Lines logged within `work` bear these fields beside those of the work around it. */
  with<T>(fields: LogFields, work: () => T): T;
};

export function createLogContext(): LogContext {
  const storage = new AsyncLocalStorage<LogFields>();
  return {
    current: () => storage.getStore() ?? {},
    with: (fields, work) => storage.run({ ...storage.getStore(), ...fields }, work),
  };
}

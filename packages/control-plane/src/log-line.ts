/** What the control plane has to say, for whoever runs it. */
export type LogLine = { level: "debug" | "info" | "warn" | "error"; message: string; [field: string]: unknown };

import type { Invariant } from "./invariant.ts";
import { isByController } from "./observed.ts";

/** Where controllers may write a secret: bootstrap tokens are Secrets. */
const MAY_HOLD = /\/secrets(\/|$|\?)/;

export const secretsStaySecret: Invariant = {
  name: "secrets stay secret",
  promise: "No credential and no bootstrap token shows up in a log, an event, a status or any other object.",
  when: "always",
  watch({ onLog, onEffect, credentials }) {
    const bootstrap = new Set<string>();
    let broken: string | undefined;
    const search = (text: string, where: string): void => {
      for (const secret of [...credentials.secrets, ...bootstrap]) {
        if (text.includes(secret)) broken ??= `a secret shows up in ${where}`;
      }
    };
    onEffect(({ message }) => {
      if (message.to.kind !== "kube" || message.method === "GET" || !isByController(message)) return;
      if (!MAY_HOLD.test(message.path)) return search(message.body, `${message.method} ${message.path}`);
      const { data } = JSON.parse(message.body || "{}") as { data?: Record<string, string> };
      if (data?.["token-secret"] !== undefined) bootstrap.add(Buffer.from(data["token-secret"], "base64").toString());
    });
    onLog((_level, text) => search(text, `the log: ${text.slice(0, 60)}…`));
    return () => broken;
  },
};

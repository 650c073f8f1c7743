/** The flags that every command which talks to a cluster has. */
import { boolean, parsed, text } from "./define-flags.ts";
import { parseLogFormat } from "./go-values.ts";

export const CLUSTER_FLAGS = {
  kubeconfig: text("", {
    group: "Cluster",
    value: "path",
    help: "kubeconfig of the cluster; without it, KUBECONFIG or the Pod's service account",
  }),
  master: text("", { group: "Cluster", value: "url", help: "URL of the API server, instead of the kubeconfig's" }),
};

export const LOG_FLAGS = {
  logDebug: boolean(false, { group: "Logs", help: "log every decision" }),
  logFormat: parsed<"json" | "console">({
    group: "Logs",
    help: "JSON or console",
    fallback: "json",
    shown: "JSON",
    parse: parseLogFormat,
  }),
};

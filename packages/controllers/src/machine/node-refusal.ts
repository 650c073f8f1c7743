/**
 * What the API server refuses of what a Machine says of its Node. The part that is refused is withheld, so that the Node
 * gets the rest, until the Machine says otherwise or it is time to try again.
 */
import type { KubeError, Node } from "@machine-controller/kube-client";
import { backoffMs } from "@machine-controller/kube-runtime";
import type { NodePart, NodeRefusal } from "./knowledge.ts";
import type { Snapshot } from "./snapshot.ts";

const RETRY = { baseMs: 30_000, maxMs: 600_000 };

/** Where a Machine says it. */
const PATHS: Readonly<Record<NodePart, string>> = {
  labels: "spec.metadata.labels",
  annotations: "spec.metadata.annotations",
  taints: "spec.taints",
};

/** The refusal that holds now; undefined: there is none, or its time is over. */
export function pendingRefusal({ machine, node, knowledge, nowMs }: Snapshot): NodeRefusal | undefined {
  const { nodeRefusal } = knowledge;
  if (nodeRefusal === undefined || node === undefined || nodeRefusal.retryAtMs <= nowMs) return undefined;
  return nodeRefusal.saying === sayingOf(machine, node) ? nodeRefusal : undefined;
}

/** What is known after a patch of the Node was refused; undefined: the error is another's business. */
export function refusalOf(snapshot: Snapshot, node: Node, error: KubeError): NodeRefusal | undefined {
  if (error.code !== "Invalid" && error.code !== "Forbidden" && error.code !== "BadRequest") return undefined;
  const { machine, knowledge, nowMs } = snapshot;
  const saying = sayingOf(machine, node);
  const pending = pendingRefusal(snapshot);
  const causes = (error.details?.causes ?? []).flatMap(({ field = "", message = "" }) => {
    const part = partOf(field);
    return part === undefined ? [] : [{ part, message: `${PATHS[part]}: ${message}` }];
  });
  // A patch that withheld something already, or whose fault is in no part, is not mended by withholding a part.
  const isWhole = pending !== undefined || causes.length === 0;
  const said =
    causes.map(({ message }) => message).join("; ") || `${error.message}; change the Machine, or what forbids it`;
  const former = knowledge.nodeRefusal?.saying === saying ? knowledge.nodeRefusal.count : 0;
  const count = pending?.count ?? former + 1;
  return {
    saying,
    parts: isWhole ? "all" : [...new Set(causes.map(({ part }) => part))],
    message: `Node ${node.metadata.name} is not given what the API server refuses: ${said}`,
    count,
    retryAtMs: nowMs + backoffMs(RETRY, count - 1),
  };
}

/** Of a Node's taints the API server says `metadata.taints[1].key`, which counts those of others as well. */
function partOf(field: string): NodePart | undefined {
  const [, part] = /^(?:metadata|spec)\.(labels|annotations|taints)\b/.exec(field) ?? [];
  return part as NodePart | undefined;
}

const sayingOf = ({ spec }: Snapshot["machine"], { metadata }: Node): string =>
  JSON.stringify([metadata.uid, spec.metadata, spec.taints]);

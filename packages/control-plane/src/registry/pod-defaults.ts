/** Defaults of what runs in a pod: its spec, which templates have too, with containers, probes and volumes. */
import { isEqual, isJsonObject, objectAt, objectsAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { ensure, fill } from "./fill.ts";

const FILE_MODE = 0o644;

export function fillPodTemplate(holder: JsonObject): void {
  const { spec } = objectAt(holder, "template");
  if (isJsonObject(spec)) fillPodSpec(spec);
}

export function fillPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
  });
  for (const container of containersOf(spec)) {
    fillContainer(container);
    if (spec["hostNetwork"] !== true) continue;
    for (const port of objectsAt(container, "ports")) fill(port, { hostPort: port["containerPort"] });
  }
  for (const volume of objectsAt(spec, "volumes")) fillVolume(volume);
}

/** A container asks for what it is limited to, if it does not say. */
export function fillRequests(spec: JsonObject): void {
  for (const container of containersOf(spec)) {
    const limits = objectAt(objectAt(container, "resources"), "limits");
    if (Object.keys(limits).length > 0) fill(ensure(ensure(container, "resources"), "requests"), limits);
  }
}

/** Whom the kubelet is to evict first follows from what the containers ask for. */
export function qosClassOf({ spec }: KubeObject): string {
  const asked = containersOf(spec).map((container) => {
    const { limits, requests } = objectAt(container, "resources");
    return { limits: computeOf(limits), requests: computeOf(requests) };
  });
  if (asked.every(({ limits, requests }) => isEqual(limits, {}) && isEqual(requests, {}))) return "BestEffort";
  const isGuaranteed = asked.every(
    ({ limits, requests }) => "cpu" in limits && "memory" in limits && isEqual(limits, requests),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function computeOf(amounts: unknown): JsonObject {
  const entries = Object.entries(isJsonObject(amounts) ? amounts : {});
  return Object.fromEntries(entries.filter(([name, value]) => (name === "cpu" || name === "memory") && value !== "0"));
}

function containersOf(spec: unknown): JsonObject[] {
  return [...objectsAt(spec, "containers"), ...objectsAt(spec, "initContainers")];
}

function fillContainer(container: JsonObject): void {
  fill(container, {
    imagePullPolicy: isMoving(container["image"]) ? "Always" : "IfNotPresent",
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  for (const variable of objectsAt(container, "env")) fillFieldRef(objectAt(variable, "valueFrom"));
  for (const field of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const probe = container[field];
    if (!isJsonObject(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    fillHttpGet(probe);
  }
  for (const handler of Object.values(objectAt(container, "lifecycle")))
    if (isJsonObject(handler)) fillHttpGet(handler);
}

function fillHttpGet(handler: JsonObject): void {
  if (isJsonObject(handler["httpGet"])) fill(handler["httpGet"], { path: "/", scheme: "HTTP" });
}

function fillFieldRef(source: JsonObject): void {
  if (isJsonObject(source["fieldRef"])) fill(source["fieldRef"], { apiVersion: "v1" });
}

function fillVolume(volume: JsonObject): void {
  if (Object.keys(volume).every((key) => key === "name")) volume["emptyDir"] = {};
  for (const field of ["secret", "configMap", "downwardAPI", "projected"]) {
    if (isJsonObject(volume[field])) fill(volume[field], { defaultMode: FILE_MODE });
  }
  const { hostPath, projected, downwardAPI } = volume;
  if (isJsonObject(hostPath)) hostPath["type"] ??= "";
  for (const item of objectsAt(downwardAPI, "items")) fillFieldRef(item);
  for (const source of objectsAt(projected, "sources")) {
    const { serviceAccountToken, downwardAPI: projectedItems } = source;
    if (isJsonObject(serviceAccountToken)) fill(serviceAccountToken, { expirationSeconds: 3600 });
    for (const item of objectsAt(projectedItems, "items")) fillFieldRef(item);
  }
}

/** An image without a tag, or with the one that is always the newest. */
function isMoving(image: unknown): boolean {
  const [path = "", digest] = String(image).split("@");
  const tag = path.split("/").at(-1)?.split(":")[1];
  return digest === undefined && (tag === undefined || tag === "latest");
}

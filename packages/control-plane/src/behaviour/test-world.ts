/** A control plane in memory, with a clock that stands still until a test moves it, and a terse client. */
import type { TestContext } from "node:test";
import { createControlPlane } from "../control-plane.ts";
import type { ControlPlane, ControlPlaneOptions } from "../control-plane.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { createManualClock, turn } from "./clock.ts";

export type Answer = { code: number; body: KubeObject & JsonObject; headers: Headers };

export type World = {
  controlPlane: ControlPlane;
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
  /** Moves time on and lets due sleepers run. */
  advance: (ms: number) => Promise<void>;
  /** Runs the controllers for the rest of the test. */
  run(): void;
  /** Waits until the object at `path` satisfies `accepts`; the object is undefined once it is gone. */
  until(path: string, accepts: (object: KubeObject | undefined) => boolean): Promise<void>;
};

export type CallOptions = {
  body?: unknown;
  token?: string | null;
  type?: string;
  accept?: string;
  certificate?: string;
};

export async function createWorld(t: TestContext, options: Partial<ControlPlaneOptions> = {}): Promise<World> {
  const clock = createManualClock();
  let seed = 1;
  const random = {
    bytes: (length: number) =>
      Uint8Array.from({ length }, () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return seed >> 16;
      }),
  };
  const controlPlane = await createControlPlane({
    database: ":memory:",
    clock,
    random,
    log: (line) => {
      if (line.level === "error") t.diagnostic(JSON.stringify(line));
    },
    ...options,
  });
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  t.after(async () => {
    stop.abort();
    await Promise.all(running);
    controlPlane.close();
  });

  const call = async (
    method: string,
    path: string,
    { body, token, type, accept, certificate }: CallOptions = {},
  ): Promise<Answer> => {
    const headers = new Headers({ "content-type": type ?? "application/json" });
    if (token !== null) headers.set("authorization", `Bearer ${token ?? controlPlane.adminToken}`);
    if (accept !== undefined) headers.set("accept", accept);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(`http://cluster${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: text }),
    });
    const connection = certificate === undefined ? {} : { peerCertificatePem: certificate };
    const response = await controlPlane.handle(request, connection);
    const content = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      code: response.status,
      body: (isJson ? JSON.parse(content) : { content }) as Answer["body"],
      headers: response.headers,
    };
  };

  return {
    controlPlane,
    call,
    advance: clock.advance,
    run: () => {
      running.push(controlPlane.run(stop.signal));
    },
    async until(path, accepts) {
      const patience = AbortSignal.timeout(10_000);
      while (!patience.aborted) {
        const { code, body } = await call("GET", path);
        if (accepts(code === 404 ? undefined : body)) return;
        await turn();
      }
      throw new Error(`${path} never came to be as expected`);
    },
  };
}

/** Reads a watch one event at a time. */
export async function openWatch(world: World, path: string, accept = "application/json") {
  const leave = new AbortController();
  const request = new Request(`http://cluster${path}`, {
    headers: { authorization: `Bearer ${world.controlPlane.adminToken}`, accept },
    signal: leave.signal,
  });
  const response = await world.controlPlane.handle(request);
  if (response.status !== 200) throw new Error(`watch answered ${response.status}: ${await response.text()}`);
  if (response.body === null) throw new Error("a watch must have a body");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  return {
    /** `undefined`: the watch has ended. */
    async next(): Promise<{ type: string; object: KubeObject } | undefined> {
      for (;;) {
        const end = buffered.indexOf("\n");
        if (end >= 0) {
          const line = buffered.slice(0, end);
          buffered = buffered.slice(end + 1);
          return JSON.parse(line) as { type: string; object: KubeObject };
        }
        const { value, done } = await reader.read();
        if (done) return undefined;
        buffered += value;
      }
    },
    leave: () => leave.abort(),
    cancel: () => reader.cancel(),
  };
}

export const WIDGETS = "/apis/example.com/v1/namespaces/default/widgets";

export function widgetDefinition(change: (version: JsonObject) => void = () => {}): JsonObject {
  const version: JsonObject = {
    name: "v1",
    served: true,
    storage: true,
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: {
            type: "object",
            required: ["size"],
            properties: {
              size: { type: "integer", minimum: 1, maximum: 10 },
              replicas: { type: "integer", default: 1 },
              color: { type: "string", enum: ["red", "blue"], default: "red" },
              free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              port: { "x-kubernetes-int-or-string": true },
              note: { type: "string", nullable: true },
              selector: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
          status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    },
    subresources: {
      status: {},
      scale: {
        specReplicasPath: ".spec.replicas",
        statusReplicasPath: ".status.replicas",
        labelSelectorPath: ".spec.selector",
      },
    },
    additionalPrinterColumns: [
      { name: "Size", type: "integer", jsonPath: ".spec.size" },
      { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status', priority: 1 },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  };
  change(version);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "widgets", singular: "widget", kind: "Widget", shortNames: ["wd"] },
      versions: [version],
    },
  };
}

export async function installWidgets(world: World, change?: (version: JsonObject) => void): Promise<void> {
  const { code, body } = await world.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    body: widgetDefinition(change),
  });
  if (code !== 201) throw new Error(JSON.stringify(body));
}

export function widget(name: string, spec: JsonObject = { size: 3 }): JsonObject {
  return { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec };
}

/** A server of admission webhooks over TLS on loopback, for either body; what it answers is said by path. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { isJsonObject } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { openCertificateAuthority } from "../security/certificate-authority.ts";
import { openStorage } from "../storage/sqlite-storage.ts";

export type Review = JsonObject & {
  uid: string;
  name?: string;
  operation: string;
  object: KubeObject | null;
  oldObject: KubeObject | null;
};

/** Text is answered as it is; a number is the code of an empty answer; `patch` is made a JSON patch in base64. */
export type Verdict = JsonObject | string | number;

export type WebhookServer = {
  /** The path answers so from now on. Returns what it has been asked, which grows. */
  answer(path: string, verdict: (review: Review) => Verdict | Promise<Verdict>): Review[];
  /** A webhook's `clientConfig` for the path. */
  clientConfig(path: string): JsonObject;
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Keeps no process alive. */
export async function startWebhookServer(): Promise<WebhookServer> {
  const storage = openStorage({ database: ":memory:" });
  const authority = await openCertificateAuthority({
    storage,
    clock: { now: Date.now, sleep: () => Promise.reject(new Error("this clock only tells the time")) },
    random: { bytes: (length) => randomBytes(length) },
  });
  const { certificatePem, privateKeyPem } = await authority.issue({
    subject: { commonName: "webhook" },
    lifetimeMs: DAY_MS,
    usage: { server: true },
    ipAddresses: ["127.0.0.1"],
  });
  storage.close();
  const answers = new Map<string, { asked: Review[]; verdict(review: Review): Verdict | Promise<Verdict> }>();
  const server = createServer({ key: privateKeyPem, cert: certificatePem }, (request, response) => {
    void (async () => {
      const { request: review } = JSON.parse(await text(request)) as { request: Review };
      const answer = answers.get(new URL(request.url ?? "", "https://webhook").pathname.slice(1));
      answer?.asked.push(review);
      const verdict = (await answer?.verdict(review)) ?? {};
      if (typeof verdict === "number") response.statusCode = verdict;
      response.setHeader("content-type", "application/json");
      response.end(
        typeof verdict === "number" ? "" : typeof verdict === "string" ? verdict : toAnswer(review, verdict),
      );
    })();
  });
  server.on("connection", (socket) => (socket as Socket).unref());
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    answer(path, verdict) {
      const asked: Review[] = [];
      answers.set(path, { asked, verdict });
      return asked;
    },
    clientConfig: (path) => ({
      url: `https://127.0.0.1:${port}/${path}`,
      caBundle: Buffer.from(authority.certificatePem).toString("base64"),
    }),
  };
}

function toAnswer({ uid }: Review, { patch, ...verdict }: JsonObject): string {
  const patched = patch !== undefined && {
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
  };
  const response = { uid, allowed: true, ...verdict, ...(isJsonObject(patched) ? patched : {}) };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response });
}

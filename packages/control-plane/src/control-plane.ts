/** Wires store, kinds, security, verbs and controllers into one control plane. */
import type { CallWebhook } from "./admission/call.ts";
import { createHttpsTransport } from "./admission/https-transport.ts";
import { createServiceResolver } from "./admission/services.ts";
import { createWebhooks } from "./admission/webhooks.ts";
import { afterInput } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { bootstrapNamespaces } from "./bootstrap-namespaces.ts";
import { createBootstrapTokenCleaner } from "./controllers/bootstrap-token-cleaner.ts";
import { createCertificateSigner } from "./controllers/certificate-signer.ts";
import { createClusterRoleAggregation } from "./controllers/cluster-role-aggregation.ts";
import { runController } from "./controllers/controller.ts";
import { createCustomResourceCleanup } from "./controllers/custom-resource-cleanup.ts";
import { createDefinitionNames } from "./controllers/definition-names.ts";
import { createDisruptionBudgets } from "./controllers/disruption-budgets.ts";
import { createGarbageCollector } from "./controllers/garbage-collector.ts";
import { createNamespaceContents } from "./controllers/namespace-contents.ts";
import { createNamespaceLifecycle } from "./controllers/namespace-lifecycle.ts";
import { createNodeLifecycle } from "./controllers/node-lifecycle.ts";
import { createPodGarbageCollector } from "./controllers/pod-garbage-collector.ts";
import { createStorageProtection } from "./controllers/storage-protection.ts";
import { endpointObjects } from "./endpoint-objects.ts";
import { createHandler } from "./http/handler.ts";
import type { InFlightLimits } from "./http/in-flight.ts";
import type { ServedRequest } from "./http/served-request.ts";
import { withBody } from "./http/text-response.ts";
import type { LogLine } from "./log-line.ts";
import { randomToken } from "./random.ts";
import type { Random } from "./random.ts";
import { createRegistry } from "./registry/registry.ts";
import { createAuthenticator, staticToken } from "./security/authenticate.ts";
import type { Connection } from "./security/authenticate.ts";
import { createAuthorizer } from "./security/authorize.ts";
import { bootstrapRoles } from "./security/bootstrap-roles.ts";
import { bootstrapTokens } from "./security/bootstrap-tokens.ts";
import { openCertificateAuthority } from "./security/certificate-authority.ts";
import type { KeyPair } from "./security/certificate-authority.ts";
import { createCertificateUsers } from "./security/certificate-user.ts";
import { createGrantCheck } from "./security/grants.ts";
import { createNodeOpinion } from "./security/node-authorizer.ts";
import { createRbac } from "./security/rbac.ts";
import { createServiceAccountTokens } from "./security/service-account-tokens.ts";
import { MASTERS } from "./security/user.ts";
import type { Server } from "./server.ts";
import { openStorage } from "./storage/sqlite-storage.ts";
import { ensureObjects, replaceObjects } from "./system-request.ts";

export type ControlPlaneOptions = {
  /** File path, ":memory:", or a snapshot, of which a copy is opened in memory. */
  database: string | Uint8Array;
  clock: Clock;
  random: Random;
  log?: (line: LogLine) => void;
  /** How admission webhooks are reached; by default over HTTPS. */
  callWebhook?: CallWebhook;
  /** How many revisions a watcher may lag behind before it is told 410 and lists again; at least 1. */
  keptRevisions?: number;
  /** Certificate and key of the authority of a new database; made if left out, which is half of what opening costs. */
  authority?: KeyPair;
  /** Requests at work at once; 200 that write and 400 that read if left out, as kube-apiserver. */
  inFlightLimits?: InFlightLimits;
};

export type ControlPlane = {
  /** Only path, query, headers and body of the request matter; its origin may be any. */
  handle(request: ServedRequest, connection?: Connection): Promise<Response>;
  /** As `handle`, for a server: a TextResponse brings its text along in place of a body. */
  answer(request: ServedRequest, connection?: Connection): Promise<Response>;
  readonly caCertificatePem: string;
  /** Static bearer token of group system:masters; the same as long as the database lives. */
  readonly adminToken: string;
  /** YAML with a fresh client certificate of group system:masters. */
  kubeconfig(options: { server: string }): Promise<string>;
  /** A fresh certificate and key for serving under these names. */
  servingCertificate(names: { dnsNames: readonly string[]; ipAddresses: readonly string[] }): Promise<KeyPair>;
  /** Publishes where this server is reached: ConfigMap kube-public/cluster-info and the Service default/kubernetes. */
  setEndpoint(server: string): Promise<void>;
  /** Runs the control plane's controllers until the signal aborts; settles when they have stopped. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Writes a copy of the database, as of now, into one new file; `database: path` opens it again. Throws StorageError.
   * The database's own file may be copied only while no control plane has it open.
   */
  backUp(path: string): void;
  /** All that is committed, to open copies from. */
  snapshot(): Uint8Array;
  /** Ends all watches and closes the database; what was acknowledged is in it. */
  close(): void;
};

const DAY_MS = 24 * 60 * 60 * 1000;
const CERTIFICATE_LIFETIME_MS = 365 * DAY_MS;

/** Opens or makes the database. Throws StorageError when the file is not one of ours, damaged or in use. */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock, random } = options;
  const isInMemory = options.database === ":memory:" || typeof options.database !== "string";
  const storage = openStorage({
    database: options.database,
    ...(isInMemory ? {} : { defer: afterInput }),
    ...(options.keptRevisions === undefined ? {} : { keptRevisions: options.keptRevisions }),
  });
  const closing = new AbortController();
  const registry = createRegistry(storage);
  const log = options.log ?? (() => {});
  const call = options.callWebhook ?? createHttpsTransport({ closing: closing.signal });
  const resolve = createServiceResolver(storage);
  const webhooks = createWebhooks({ storage, registry, random, log, clock, call, resolve });
  const rbac = createRbac(storage);
  const authorizer = createAuthorizer([createNodeOpinion(storage), rbac.opinion]);
  const checkGrant = createGrantCheck({ authorizer, rbac });
  const server: Server = { storage, registry, clock, random, log, webhooks, checkGrant, closing: closing.signal };
  const adminToken = storage.setting("admin-token") ?? randomToken(random);
  storage.setSetting("admin-token", adminToken);
  const authority = await openCertificateAuthority({ storage, clock, random, keys: options.authority });
  const tokens = createServiceAccountTokens({ storage, clock, random });
  const authenticator = createAuthenticator({
    tokens: [staticToken(adminToken), bootstrapTokens({ storage, clock }), tokens.source],
    certificateUser: createCertificateUsers(authority, clock),
  });
  await ensureObjects(server, bootstrapNamespaces());
  await ensureObjects(server, bootstrapRoles());
  const answer = createHandler({
    server,
    authenticator,
    authorizer,
    rbac,
    tokens,
    ...(options.inFlightLimits === undefined ? {} : { inFlightLimits: options.inFlightLimits }),
  });
  return {
    answer,
    handle: async (request, connection) => withBody(await answer(request, connection)),
    caCertificatePem: authority.certificatePem,
    adminToken,
    async kubeconfig({ server: url }) {
      const { toKubeconfig } = await import("./security/kubeconfig.ts");
      const user = await authority.issue({
        subject: { commonName: "kubernetes-admin", organizations: [MASTERS] },
        lifetimeMs: CERTIFICATE_LIFETIME_MS,
        usage: { client: true },
      });
      return toKubeconfig({ server: url, caCertificatePem: authority.certificatePem, user });
    },
    servingCertificate: (names) =>
      authority.issue({
        subject: { commonName: "kube-apiserver" },
        lifetimeMs: CERTIFICATE_LIFETIME_MS,
        usage: { server: true },
        ...names,
      }),
    async setEndpoint(url) {
      await replaceObjects(server, await endpointObjects(url, authority.certificatePem));
    },
    async run(signal) {
      const either = AbortSignal.any([signal, server.closing]);
      await Promise.all(
        [
          createNamespaceContents(server, authority.certificatePem),
          createNamespaceLifecycle(server),
          createCustomResourceCleanup(server),
          createDefinitionNames(server),
          createGarbageCollector(server),
          createCertificateSigner({ server, authorizer, authority }),
          createNodeLifecycle(server),
          createPodGarbageCollector(server),
          createStorageProtection(server),
          createDisruptionBudgets(server),
          createBootstrapTokenCleaner(server),
          createClusterRoleAggregation(server),
        ].map((controller) => runController(server, controller, either)),
      );
    },
    backUp: storage.backUp,
    snapshot: storage.snapshot,
    close() {
      closing.abort();
      storage.close();
    },
  };
}

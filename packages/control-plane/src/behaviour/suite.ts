/**
 * The behaviour of a Kubernetes API server as cases that run against any body of one: the embedded server in process or
 * on a port, and a real etcd + kube-apiserver. A case that passes on one and fails on another is a defect.
 *
 *     for (const { topic, name, run } of bindCases(BEHAVIOURS, body, "r1")) await run();
 */
import type { Behaviour } from "./behaviour.ts";
import { accessCases } from "./cases/access.ts";
import { applyCases } from "./cases/apply.ts";
import { certificateCases } from "./cases/certificates.ts";
import { columnCases } from "./cases/columns.ts";
import { createCases } from "./cases/create.ts";
import { defaultCases } from "./cases/defaults.ts";
import { definitionCases } from "./cases/definitions.ts";
import { deletionCases } from "./cases/deletion.ts";
import { discoveryCases } from "./cases/discovery.ts";
import { disruptionCases } from "./cases/disruptions.ts";
import { fieldValidationCases } from "./cases/field-validation.ts";
import { generationCases } from "./cases/generation.ts";
import { grantCases } from "./cases/grants.ts";
import { identityCases } from "./cases/identity.ts";
import { listCases } from "./cases/list.ts";
import { malformedCases } from "./cases/malformed.ts";
import { mergingCases } from "./cases/merging.ts";
import { metadataCases } from "./cases/metadata.ts";
import { namespaceCases } from "./cases/namespaces.ts";
import { nodeCases } from "./cases/nodes.ts";
import { patchCases } from "./cases/patch.ts";
import { ruleCases } from "./cases/rules.ts";
import { schemaCases } from "./cases/schemas.ts";
import { subresourceCases } from "./cases/subresources.ts";
import { tableCases } from "./cases/table.ts";
import { tokenCases } from "./cases/tokens.ts";
import { updateCases } from "./cases/update.ts";
import { validationCases } from "./cases/validation.ts";
import { watchCases } from "./cases/watch.ts";
import { webhookCases } from "./cases/webhooks.ts";

export { bindCases } from "./behaviour.ts";
export type { Behaviour, BoundCase, Case } from "./behaviour.ts";
export { inProcessBody } from "./in-process-body.ts";
export type { Body, ClientCertificate, Reply, Sent } from "./world.ts";

export const BEHAVIOURS: readonly Behaviour[] = [
  accessCases,
  applyCases,
  certificateCases,
  columnCases,
  createCases,
  defaultCases,
  definitionCases,
  deletionCases,
  discoveryCases,
  disruptionCases,
  fieldValidationCases,
  generationCases,
  grantCases,
  identityCases,
  listCases,
  malformedCases,
  mergingCases,
  metadataCases,
  namespaceCases,
  nodeCases,
  patchCases,
  ruleCases,
  schemaCases,
  subresourceCases,
  tableCases,
  tokenCases,
  updateCases,
  validationCases,
  watchCases,
  webhookCases,
];

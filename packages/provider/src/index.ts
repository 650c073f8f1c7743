/**
 * What a provider author imports: declare a cloud with `defineProvider`, and `createProvider` makes of it what the
 * controllers call. One folder in `providers/` is one cloud.
 *
 * @example
 * export default defineProvider({ name: "example", credential: { token: stringField({ … }) }, … });
 */
export { type CallBudget, createCallBudget } from "./call-budget.ts";
export type { Capacity } from "./capacity.ts";
export { type CloudClient, createCloudClient, type ErrorAnswer, type Query } from "./cloud-client.ts";
export {
  booleanField,
  configSchema,
  type Field,
  type FieldOptions,
  type Fields,
  integerField,
  labelsField,
  type Resolved,
  stringField,
  stringsField,
} from "./config-fields.ts";
export {
  type ConfigVarBool,
  type ConfigVarResolver,
  type ConfigVarString,
  createConfigVarResolver,
  type DataReader,
  parseGoDuration,
} from "./config-var.ts";
export { createProvider, type ProviderRuntime } from "./create-provider.ts";
export {
  type AnyProviderDefinition,
  type Clock,
  type Connection,
  type CreateRequest,
  defineProvider,
  type Fetch,
  type InstanceRequest,
  type ProviderDefinition,
  type Random,
  type SpecRequest,
} from "./definition.ts";
export {
  InstanceNotFoundError,
  isProviderError,
  OSNotSupportedError,
  PROVIDER_ERRORS,
  ProviderError,
  type ProviderErrorCode,
  TerminalError,
} from "./errors.ts";
export { INSTANCE_STATUSES, type Instance, type InstanceStatus } from "./instance.ts";
export { cloudProviderOf, CONFIG_PATH, ENVELOPE_PATH, parseProviderSpec, unknownProvider } from "./manifest.ts";
export type { Call, Idempotency, Provider } from "./provider.ts";
export { type RateLimit, retryAfterMs } from "./rate-limit.ts";
export { addDefaults, staticProblems } from "./static-rules.ts";
// What a provider also needs of the API, so that it imports this package only.
export {
  type Machine,
  type MachineSpec,
  nearestName,
  type NodeAddress,
  type OperatingSystem,
} from "@machine-controller/api";

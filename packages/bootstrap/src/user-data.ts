/** Makes the user data of a Machine: picks the generator of its operating system. */
import type { OperatingSystem } from "@machine-controller/api";
import { BOOTSTRAP_NAMESPACE, bootstrapSecretName } from "@machine-controller/api/well-known";
import { BootstrapError } from "./bootstrap-error.ts";
import { ubuntuUserData } from "./ubuntu/ubuntu.ts";
import type { UserDataRequest } from "./user-data-request.ts";

const GENERATORS: Readonly<Partial<Record<OperatingSystem, (request: UserDataRequest) => string>>> = {
  ubuntu: ubuntuUserData,
};

export function isOperatingSystemSupported(operatingSystem: OperatingSystem): boolean {
  return GENERATORS[operatingSystem] !== undefined;
}

/**
 * Holds the bootstrap token: never to be logged.
 * @throws BootstrapError `OperatingSystemNotSupported` or `InvalidMachine`
 */
export function userDataFor(request: UserDataRequest): string {
  const { operatingSystem } = request.providerSpec;
  const generate = GENERATORS[operatingSystem];
  if (generate !== undefined) return generate(request);
  const secret = `${BOOTSTRAP_NAMESPACE}/${bootstrapSecretName("<machine-deployment>", "<namespace>")}`;
  throw new BootstrapError(
    "OperatingSystemNotSupported",
    `spec.providerSpec.value.operatingSystem: no user data can be made for ${operatingSystem}, only for ` +
      `${Object.keys(GENERATORS).join(", ")}; use one of these, or put the user data under the key cloud-config ` +
      `of Secret ${secret}`,
    { path: "spec.providerSpec.value.operatingSystem" },
  );
}

// Where access to the real cloud is in the environment (the variables of `providers.ts`, and with them E2E_SSH_PUBKEY and
// KUBECONFIG), the suite uses that; else one process with a simulated cloud. E2E_IDENTIFIER ends the names of all objects.
import { PROVIDERS } from "./providers.ts";
import { openSite } from "./site.ts";
import { describeCredentialFromEnvironment, describeProvisioning } from "./suite.ts";

for (const provider of PROVIDERS) {
  describeProvisioning(provider, openSite);
  describeCredentialFromEnvironment(provider);
}

/**
 * User data: what turns a fresh instance into a node of the cluster, and the token that lets it in. Pure functions; who
 * reads the cluster and stores Secrets is the caller.
 *
 * @example
 * const { server, caCertificatePem } = parseClusterInfo(configMap.data.kubeconfig);
 * const kubeconfig = bootstrapKubeconfig({ server, caCertificatePem, token: tokenOf(secret.data) });
 * const userData = userDataFor({ machine, providerSpec, bootstrapKubeconfig: kubeconfig, caCertificatePem, ...cluster });
 */
export { BootstrapError, type BootstrapErrorCode } from "./bootstrap-error.ts";
export {
  bootstrapTokenName,
  type BootstrapTokenSecret,
  bootstrapTokenSecret,
  isTokenOf,
  type SecretData,
  TOKEN_LIFETIME_MS,
  TOKEN_NAMESPACE,
  TOKEN_SECRET_BYTES,
  tokenIdFor,
  tokenOf,
  tokenRenewal,
  tokenSecretFrom,
} from "./bootstrap-token.ts";
export { bootstrapKubeconfig, type ClusterInfo, parseClusterInfo } from "./kubeconfig.ts";
export { kubeletShare } from "./kubelet-overrides.ts";
export { fillPlaceholders } from "./placeholders.ts";
export { isOperatingSystemSupported, userDataFor } from "./user-data.ts";
export type { UserDataRequest } from "./user-data-request.ts";

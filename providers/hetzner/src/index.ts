/**
 * Hetzner Cloud. A Machine's server bears its UID as the label `machine-uid` and its name, which is unique in a project:
 * creating twice is refused by the cloud, so every verb is safe to repeat.
 *
 * @example
 * const provider = createProvider(hetzner, runtime);
 */
export { hetzner as default } from "./provider.ts";

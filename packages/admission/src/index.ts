/**
 * Admission of Machines, MachineSets and MachineDeployments: fills in defaults and refuses what can be told to be wrong
 * from the object alone. It reads no Secret and asks no cloud, so it answers at once and works while clouds do not.
 *
 * ```ts
 * const handle = createAdmissionHandler({
 *   providers: new Map([[hetzner.name, hetzner]]),
 *   allowsKubelet: parseVersionConstraint(">=1.33.0"),
 *   kubeletFeatureGates: {},
 *   externalCloudProvider: false,
 * });
 * const answer = await handle(new Request("https://webhook/machines", { method: "POST", … }));
 * ```
 */
export { admitMachineDeployment } from "./admit-machine-deployment.ts";
export { admitMachineSet } from "./admit-machine-set.ts";
export { admitMachine } from "./admit-machine.ts";
export type { AdmissionContext, AdmissionRequest, Verdict } from "./admission.ts";
export { type AdmissionHandlerOptions, createAdmissionHandler } from "./handler.ts";
export type { Operation } from "./json-patch.ts";
export { kubeletSkewRule } from "./kubelet-skew.ts";
export { type AllowsKubelet, parseVersionConstraint } from "./kubelet-version.ts";

/** Traffic of the Hetzner Cloud API held against the facts of the vendor's document. */
export { checkTraffic, createTrafficCheck, type TrafficCheck, type TrafficProblem } from "./check.ts";

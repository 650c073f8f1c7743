/**
 * Deterministic worlds: the real controllers, providers and API server under a simulator that owns time, randomness, order,
 * the network and every crash. One seed is one history; a broken promise is a seed that shows it.
 *
 * @example
 * serializeCrypto();
 * const { violation, hash } = await runWorld(scenarioFor("42"));
 */
export { serializeCrypto } from "./world/clock.ts";
export { runWorld, type Violation, type WorldResult } from "./world/run-world.ts";
export { type Scenario, scenarioFor } from "./world/scenario.ts";

// Given to Node with `--import`: keeps compiled code between starts, so that a process need not load what strips types.
// Starts in half the time, with 30 MB less memory. Plain JavaScript, or stripping this file would load it after all.
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/node", import.meta.url)));
// Node writes it when it exits, and a server may only ever be killed.
setTimeout(() => flushCompileCache(), 2_000).unref();

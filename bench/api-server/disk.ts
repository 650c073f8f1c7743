/** What the disk alone allows: how often a second a page can be appended to a file and made durable. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PAGE = Buffer.alloc(4_096, 1);

/** Beside the databases of both bodies, which lie in the folder for temporary files. */
export function flushesPerSecond(ms: number): number {
  const folder = mkdtempSync(join(tmpdir(), "bench-disk-"));
  const file = openSync(join(folder, "log"), "w");
  try {
    const startedAt = performance.now();
    let flushes = 0;
    for (; performance.now() - startedAt < ms; flushes += 1) {
      writeSync(file, PAGE);
      fdatasyncSync(file);
    }
    return (flushes * 1_000) / (performance.now() - startedAt);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

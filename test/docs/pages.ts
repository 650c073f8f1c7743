// Which page is carried out where.
import { globSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** Helm and a real API server are needed for these; a laptop will do for all others. */
export const CLUSTER_PAGES: readonly string[] = ["docs/cluster-autoscaler.md", "docs/install.md", "docs/migrating.md"];

export const LAPTOP_PAGES: readonly string[] = globSync(["*.md", "docs/**/*.md"], { cwd: ROOT })
  .filter((page) => !CLUSTER_PAGES.includes(page))
  .sort();

// Pages: links lead somewhere, troubleshooting.md has every reason that conditions and events give and no other, and
// metrics.md every metric.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const METRICS = "docs/metrics.md";
const METRIC =
  /"((?:machine|controller_runtime|workqueue|rest_client|leader_election)_[a-z_]+)"|^ +((?:machine|controller_runtime|workqueue)_[a-z_]+): \[/gm;
const TROUBLESHOOTING = "docs/troubleshooting.md";
const SOURCES = globSync("packages/controllers/src/**/*.ts").filter((path) => !/\.test\.ts$|\/testing\//.test(path));
/** Lines that give a condition or an event its reason, and constants of that form. */
const GIVES_REASON =
  /\breason: |\b(?:tell|unknownInstance|toProgress)\(|\[[A-Z_]+, "|^(?:export )?const [A-Z_]+\b[^=]*= "(?:[A-Z][a-z]+){2,}";/;
const NAME = /(?<!\b(?:type|status|kind): |=== |\w, )"((?:[A-Z][a-z]+)+)"/g;
const OTHER_WORDS = ["True", "False", "Unknown", "Normal", "Warning"];

const pages = globSync(["*.md", "docs/**/*.md"]);
const problems = [...pages.flatMap(brokenLinks), ...undocumentedReasons(), ...undocumentedMetrics()];
for (const problem of problems) console.error(problem);
console.log(`docs: ${pages.length} pages, ${problems.length} problems`);
if (problems.length > 0 || pages.length === 0) process.exit(1);

function brokenLinks(page: string): string[] {
  const text = readFileSync(page, "utf8").replaceAll(/```.*?```/gs, "");
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([link, path = "", anchor]) => {
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(target)) return [`${page}: ${link} leads nowhere`];
    if (anchor === undefined || anchorsOf(target).has(anchor)) return [];
    return [`${page}: ${target} has no heading #${anchor}`];
  });
}

function anchorsOf(page: string): Set<string> {
  const headings = [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, "")
        .replaceAll(/\s/g, "-"),
    ),
  );
}

function undocumentedReasons(): string[] {
  const lines = SOURCES.flatMap((source) =>
    readFileSync(source, "utf8")
      .replaceAll(/\(\n\s+/g, "(")
      .split("\n"),
  ).filter((line) => GIVES_REASON.test(line));
  const given = new Set(lines.flatMap((line) => [...line.matchAll(NAME)].map(([, name = ""]) => name)));
  for (const word of OTHER_WORDS) given.delete(word);
  if (given.size < 10) return [`saw only ${given.size} reasons in packages/controllers: is GIVES_REASON still right?`];
  const text = readFileSync(TROUBLESHOOTING, "utf8");
  const documented = new Set([
    ...namesIn(text, { section: "Conditions", column: 2 }),
    ...namesIn(text, { section: "Events", column: 1 }),
  ]);
  const missing = [...given].filter((reason) => !documented.has(reason));
  const stale = [...documented].filter((reason) => !given.has(reason));
  return [
    ...missing.map((reason) => `${TROUBLESHOOTING} says nothing of the reason ${reason}`),
    ...stale.map((reason) => `${TROUBLESHOOTING} has a reason ${reason} that nothing gives`),
  ];
}

/** Names in backticks in one column of a section's table. */
function namesIn(text: string, { section, column }: { section: string; column: number }): string[] {
  const [, body = ""] = new RegExp(`^## ${section}\n(.*?)(?=^## )`, "ms").exec(text) ?? [];
  return body
    .split("\n")
    .flatMap((line) => [...(line.split("|")[column] ?? "").matchAll(/`([A-Z]\w+)`/g)].map(([, name = ""]) => name));
}

/** A name may stand there by its end, as `_total`, or under a name that ends with `*`. */
function undocumentedMetrics(): string[] {
  const sources = globSync("apps/machine-controller/src/metrics/*.ts").filter((path) => !path.endsWith(".test.ts"));
  const given = sources.flatMap((source) =>
    [...readFileSync(source, "utf8").matchAll(METRIC)].map(([, quoted, key]) => quoted ?? key ?? ""),
  );
  if (given.length < 10) return [`saw only ${given.length} metrics in the binary: is METRIC still right?`];
  const text = readFileSync(METRICS, "utf8");
  const isDocumented = (name: string): boolean =>
    [...name.matchAll(/_/g)].some(
      ({ index }) => text.includes(`\`${name.slice(index)}\``) || text.includes(`\`${name.slice(0, index)}_*\``),
    ) || text.includes(`\`${name}\``);
  return given
    .filter((name) => name.split("_").length > 2 && !isDocumented(name))
    .map((name) => `${METRICS} says nothing of ${name}`);
}

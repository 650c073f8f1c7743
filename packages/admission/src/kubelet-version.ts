/** The rule for `versions.kubelet`: a semantic version within the constraints of `-kubernetes-version-constraints`. */
import semver, { type SemVer } from "semver";

/** The reason to refuse a kubelet version; undefined where there is none. */
export type AllowsKubelet = (version: string) => string | undefined;

/**
 * Constraints as the Go implementation takes them: `>=1.33, <1.37 || =1.31.4`, with `!=`, `~`, `^`, `x` and hyphens.
 * A pre-release satisfies only a constraint that names one itself, such as `>=1.33.0-0`.
 * @throws RangeError for what is not a constraint.
 */
export function parseVersionConstraint(constraint: string): AllowsKubelet {
  const alternatives = constraint.split("||").map((text) => parseAlternative(text, constraint));
  return (text) => {
    const version = parseVersion(text);
    if (version === undefined) return "is not a semantic version; use a form such as 1.36.2";
    if (alternatives.some((allows) => allows(version))) return undefined;
    const remedy = version.prerelease.length > 0 ? "; a pre-release needs a constraint that names one" : "";
    return `does not satisfy "${constraint}", which this cluster's versions are held to${remedy}`;
  };
}

function parseAlternative(text: string, whole: string): (version: SemVer) => boolean {
  const excluded: string[] = [];
  const rest = text
    .replaceAll(/!=\s*([^\s,]+)/g, (_, version: string) => {
      excluded.push(version);
      return "";
    })
    .replaceAll(/=([<>])/g, "$1=")
    .replaceAll(",", " ");
  const includePrerelease = /\d-[0-9a-z]/i.test(text);
  try {
    const range = new semver.Range(rest.trim() || "*", { includePrerelease });
    const exclusions = excluded.map((version) => new semver.Range(version, { includePrerelease: true }));
    return (version) => range.test(version) && !exclusions.some((exclusion) => exclusion.test(version));
  } catch (cause) {
    throw new RangeError(`"${whole}" is not a version constraint; use a form such as ">=1.33.0, <1.37.0"`, { cause });
  }
}

/** With or without a leading v, minor and patch. */
function parseVersion(text: string): SemVer | undefined {
  const [, major, minor = "0", patch = "0", rest = ""] = /^v?(\d+)(?:\.(\d+)(?:\.(\d+))?)?([-+].*)?$/.exec(text) ?? [];
  return (major && semver.parse(`${major}.${minor}.${patch}${rest}`)) || undefined;
}

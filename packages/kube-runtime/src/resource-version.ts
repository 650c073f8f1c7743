/**
 * Order of two resourceVersions of one object: negative, zero, positive; undefined where they cannot be compared.
 * Kubernetes declares them decimal integers of growing value (KEP-5504); they outgrow what a number holds exactly.
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return 0;
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

const DECIMAL = /^(0|[1-9][0-9]*)$/;

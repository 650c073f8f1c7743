/** Kubernetes quantities, as far as kubelet reservations use them. */

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `200m` → 0.2, `1Gi` → 1073741824; NaN where it is no quantity. */
export function parseQuantity(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(m|[kMGTPE]|[KMGTPE]i)?$/.exec(text) ?? [];
  return amount === "" ? Number.NaN : Number(amount) * (UNITS[unit] ?? Number.NaN);
}

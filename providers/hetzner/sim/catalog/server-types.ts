/** A handful of server types: shared and dedicated, x86 and arm, one deprecated and one past its end. */

export type Deprecation = { announced: string; unavailable_after: string };

export type ServerType = {
  id: number;
  name: string;
  description: string;
  category: string;
  cores: number;
  /** GB */
  memory: number;
  /** GB */
  disk: number;
  cpu_type: "shared" | "dedicated";
  storage_type: "local";
  architecture: "x86" | "arm";
  deprecated: boolean;
  deprecation: Deprecation | null;
  locations: { id: number; name: string; deprecation: Deprecation | null }[];
  prices: object[];
};

type Row = [
  id: number,
  name: string,
  cores: number,
  memory: number,
  disk: number,
  locations: string,
  monthly: string,
  deprecation?: Deprecation,
];

const LOCATION_IDS: Record<string, number> = { fsn1: 1, nbg1: 2, hel1: 3, ash: 4, hil: 5, sin: 6 };
const EU = "fsn1 nbg1 hel1";
const ALL = `${EU} ash hil sin`;
const ENDED: Deprecation = { announced: "2024-06-06T00:00:00+00:00", unavailable_after: "2024-09-06T00:00:00+00:00" };
const ENDING: Deprecation = { announced: "2025-10-16T00:00:00+00:00", unavailable_after: "2099-12-31T00:00:00+00:00" };

const ROWS: readonly Row[] = [
  [1, "cx11", 1, 2, 20, EU, "3.2900", ENDED],
  [22, "cpx11", 2, 2, 40, ALL, "3.8500", ENDING],
  [23, "cpx21", 3, 4, 80, ALL, "7.0500"],
  [24, "cpx31", 4, 8, 160, ALL, "13.1000"],
  [25, "cpx41", 8, 16, 240, ALL, "24.7000"],
  [26, "cpx51", 16, 32, 360, ALL, "54.4000"],
  [45, "cax11", 2, 4, 40, EU, "3.2900"],
  [93, "cax21", 4, 8, 80, EU, "5.9900"],
  [94, "cax31", 8, 16, 160, EU, "11.9900"],
  [95, "cax41", 16, 32, 320, EU, "23.9900"],
  [96, "ccx13", 2, 8, 80, ALL, "11.9900"],
  [97, "ccx23", 4, 16, 160, ALL, "23.9900"],
  [98, "ccx33", 8, 32, 240, ALL, "47.9900"],
  [104, "cx22", 2, 4, 40, EU, "3.2900"],
  [105, "cx32", 4, 8, 80, EU, "6.3000"],
  [106, "cx42", 8, 16, 160, EU, "15.9000"],
  [107, "cx52", 16, 32, 320, EU, "29.9000"],
  [109, "cpx22", 2, 4, 80, ALL, "5.9900"],
  [114, "cx23", 2, 4, 40, EU, "2.9900"],
  [115, "cx33", 4, 8, 80, EU, "4.9900"],
  [116, "cx43", 8, 16, 160, EU, "8.9900"],
  [117, "cx53", 16, 32, 320, EU, "16.4900"],
];

export const SERVER_TYPES: readonly ServerType[] = ROWS.map(
  ([id, name, cores, memory, disk, locations, monthly, deprecation = null]) => {
    const isDedicated = name.startsWith("ccx");
    const isArm = name.startsWith("cax");
    const places = locations.split(" ");
    return {
      id,
      name,
      description: name.toUpperCase(),
      category: isDedicated
        ? "General Purpose"
        : isArm || name.startsWith("cx")
          ? "Cost-Optimized"
          : "Regular Performance",
      cores,
      memory,
      disk,
      cpu_type: isDedicated ? "dedicated" : "shared",
      storage_type: "local",
      architecture: isArm ? "arm" : "x86",
      deprecated: deprecation !== null,
      deprecation,
      locations: places.map((place) => ({ id: LOCATION_IDS[place] ?? 0, name: place, deprecation })),
      prices: places.map((place) => priceAt(place, Number(monthly))),
    };
  },
);

function priceAt(location: string, monthly: number): object {
  const price = (net: number): object => ({ net: net.toFixed(10), gross: (net * 1.19).toFixed(10) });
  return {
    location,
    price_hourly: price(monthly / 624),
    price_monthly: price(monthly),
    included_traffic: 20 * 1024 ** 4,
    price_per_tb_traffic: price(1),
  };
}

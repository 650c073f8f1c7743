/** Locations and their data centers. */
import { SERVER_TYPES } from "./server-types.ts";

export type Location = {
  id: number;
  name: string;
  description: string;
  country: string;
  city: string;
  latitude: number;
  longitude: number;
  network_zone: string;
};

type Row = [id: number, name: string, country: string, city: string, latitude: number, longitude: number, zone: string];

const ROWS: readonly Row[] = [
  [1, "fsn1", "DE", "Falkenstein", 50.47612, 12.370071, "eu-central"],
  [2, "nbg1", "DE", "Nuremberg", 49.452102, 11.076665, "eu-central"],
  [3, "hel1", "FI", "Helsinki", 60.169855, 24.938379, "eu-central"],
  [4, "ash", "US", "Ashburn, VA", 39.045821, -77.487073, "us-east"],
  [5, "hil", "US", "Hillsboro, OR", 45.54222, -122.951924, "us-west"],
  [6, "sin", "SG", "Singapore", 1.283333, 103.833333, "ap-southeast"],
];

export const LOCATIONS: readonly Location[] = ROWS.map(([id, name, country, city, latitude, longitude, zone]) => ({
  id,
  name,
  description: `${city} Park 1`,
  country,
  city,
  latitude,
  longitude,
  network_zone: zone,
}));

const DATACENTER_NAMES: Record<string, [id: number, name: string]> = {
  nbg1: [2, "nbg1-dc3"],
  hel1: [3, "hel1-dc2"],
  fsn1: [4, "fsn1-dc14"],
  ash: [5, "ash-dc1"],
  hil: [6, "hil-dc1"],
  sin: [7, "sin-dc1"],
};

export type Datacenter = { id: number; name: string; description: string; location: Location; server_types: object };

export const DATACENTERS: readonly Datacenter[] = LOCATIONS.flatMap((location) => {
  const [id, name] = DATACENTER_NAMES[location.name] ?? [];
  if (id === undefined || name === undefined) return [];
  const supported = SERVER_TYPES.filter(({ locations }) => locations.some((at) => at.name === location.name));
  const ids = supported.map((type) => type.id);
  const description = `${location.city} virtual DC`;
  return [
    { id, name, description, location, server_types: { supported: ids, available: ids, available_for_migration: ids } },
  ];
});

/** System images; each name exists once for each architecture. */

export type Image = {
  id: number;
  name: string;
  description: string;
  type: "system";
  status: "available";
  architecture: "x86" | "arm";
  os_flavor: string;
  os_version: string;
  created: string;
  deprecated: string | null;
};

type Row = [x86: number, arm: number, name: string, description: string, created: string, deprecated?: string];

const ROWS: readonly Row[] = [
  [45557056, 103907373, "debian-11", "Debian 11", "2021-08-16"],
  [114690387, 114690389, "debian-12", "Debian 12", "2023-06-13"],
  [310557660, 310557661, "debian-13", "Debian 13", "2025-08-11"],
  [15512617, 103908130, "ubuntu-20.04", "Ubuntu 20.04", "2020-04-23", "2025-05-14"],
  [67794396, 103908070, "ubuntu-22.04", "Ubuntu 22.04", "2022-04-21"],
  [161547269, 161547270, "ubuntu-24.04", "Ubuntu 24.04", "2024-04-25"],
  [76766499, 103908148, "rocky-8", "Rocky Linux 8", "2022-06-02"],
  [76766498, 103908141, "rocky-9", "Rocky Linux 9", "2022-07-19"],
  [310557670, 310557671, "rocky-10", "Rocky Linux 10", "2025-06-16"],
  [310557680, 310557681, "alma-9", "AlmaLinux OS 9", "2022-06-02"],
  [3, 103908000, "centos-7", "CentOS 7", "2018-01-15", "2024-05-21"],
  [310557690, 310557691, "fedora-42", "Fedora 42", "2025-04-17"],
];

export const IMAGES: readonly Image[] = ROWS.flatMap(([x86, arm, name, description, created, deprecated]) =>
  (["x86", "arm"] as const).map((architecture) => ({
    id: architecture === "x86" ? x86 : arm,
    name,
    description,
    type: "system" as const,
    status: "available" as const,
    architecture,
    os_flavor: name.split("-")[0] ?? "unknown",
    os_version: name.split("-")[1] ?? "",
    created: `${created}T00:00:00+00:00`,
    deprecated: deprecated === undefined ? null : `${deprecated}T00:00:00+00:00`,
  })),
);

export function imageView(image: Image): object {
  return {
    ...image,
    bound_to: null,
    created_from: null,
    deleted: null,
    disk_size: 5,
    image_size: null,
    labels: {},
    protection: { delete: false },
    rapid_deploy: true,
  };
}

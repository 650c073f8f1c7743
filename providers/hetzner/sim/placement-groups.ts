/** `/placement_groups`: spread groups of at most ten servers. */
import { actionView, startAction } from "./actions.ts";
import { HetznerError } from "./errors.ts";
import type { ResourceOptions } from "./resource.ts";
import { serversOf, toTimestamp, type Cloud, type PlacementGroupRecord } from "./state.ts";

export const GROUP_SIZE = 10;

/** IDs of its servers, also of those being deleted. */
export function membersOf(cloud: Cloud, { id, project }: PlacementGroupRecord): number[] {
  return [...serversOf(cloud, project)]
    .filter(({ placementGroup }) => placementGroup === id)
    .map((server) => server.id);
}

export function placementGroupView(cloud: Cloud, group: PlacementGroupRecord): object {
  const { id, name, labels, created, type } = group;
  return { id, name, labels, created: toTimestamp(created), type, servers: membersOf(cloud, group) };
}

export function placementGroups(cloud: Cloud): ResourceOptions<PlacementGroupRecord> {
  return {
    kind: "placementGroup",
    what: "placement group",
    keys: ["placement_group", "placement_groups"],
    collection: cloud.placementGroups,
    view: (group) => placementGroupView(cloud, group),
    filters: { type: ({ type }) => type },
    read(input) {
      const type = input.requiredText("type");
      if (type !== "" && type !== "spread") input.reject("type", "must be one of: spread");
      return (base) => ({ ...base, type: "spread" });
    },
    created({ id, project }) {
      const resources = [{ id, type: "placement_group" }];
      const action = startAction(cloud, { project, command: "create_placement_group", resources });
      return { action: actionView(action, cloud.clock.now()) };
    },
    checkDelete(group) {
      if (membersOf(cloud, group).length > 0) throw new HetznerError("resource_in_use", "placement group has servers");
    },
  };
}

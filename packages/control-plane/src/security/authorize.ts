/** May this user do this? The question every request, and every access review, is put to. */
import { StatusError } from "../status-error.ts";
import type { StatusDetails } from "../status-error.ts";
import { MASTERS } from "./user.ts";
import type { User } from "./user.ts";

export type ResourceAttributes = {
  verb: string;
  group: string;
  plural: string;
  namespace: string;
  name: string;
  subresource: string;
};
export type PathAttributes = { verb: string; path: string };
export type Attributes = ResourceAttributes | PathAttributes;

/** `undefined`: no opinion; the next one is asked, and at the end the answer is no. */
export type Opinion = (user: User, attributes: Attributes) => boolean | undefined;

export type Authorizer = {
  allows(user: User, attributes: Attributes): boolean;
  /** Throws Forbidden in the API server's words. */
  check(user: User, attributes: Attributes): void;
};

export function createAuthorizer(opinions: readonly Opinion[]): Authorizer {
  const allows = (user: User, attributes: Attributes): boolean => {
    if (user.groups.includes(MASTERS)) return true;
    for (const opinion of opinions) {
      const answer = opinion(user, attributes);
      if (answer !== undefined) return answer;
    }
    return false;
  };
  return {
    allows,
    check(user, attributes) {
      if (!allows(user, attributes)) throw denied(user, attributes);
    },
  };
}

function denied(user: User, attributes: Attributes): StatusError {
  if ("path" in attributes) {
    const message = `forbidden: User ${JSON.stringify(user.name)} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
    return new StatusError("Forbidden", message, { details: {} });
  }
  const { verb, group, plural, namespace, name, subresource } = attributes;
  const full = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const subject = `${plural}${group === "" ? "" : `.${group}`}${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
  const details: StatusDetails = {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: plural,
  };
  return new StatusError(
    "Forbidden",
    `${subject} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`,
    { details },
  );
}

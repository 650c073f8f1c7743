/** `Impersonate-*` headers: acting as another, for those who may. */
import { badRequest } from "../status-error.ts";
import type { Authorizer } from "./authorize.ts";
import { AUTHENTICATED } from "./user.ts";
import type { User } from "./user.ts";

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The user to act as. Throws Forbidden for what the real user may not take on. */
export function impersonate(user: User, headers: Headers, authorizer: Authorizer): User {
  const name = headers.get("impersonate-user") ?? "";
  // Header values of the same name arrive joined; group names hold no commas.
  const groups = (headers.get("impersonate-group") ?? "")
    .split(",")
    .map((group) => group.trim())
    .filter((group) => group !== "");
  if (name === "") {
    if (groups.length > 0) {
      const asked = `&user.DefaultInfo{Name:"", UID:"", Groups:[]string{${groups.map((group) => JSON.stringify(group)).join(", ")}}, Extra:map[string][]string(nil)}`;
      throw badRequest(`requested ${asked} without impersonating a user name`);
    }
    return user;
  }
  const check = (plural: string, target: string, namespace = ""): void =>
    authorizer.check(user, { verb: "impersonate", group: "", plural, namespace, name: target, subresource: "" });
  const account = SERVICE_ACCOUNT.exec(name);
  if (account === null) check("users", name);
  else check("serviceaccounts", account[2] ?? "", account[1] ?? "");
  for (const group of groups) check("groups", group);
  const implied = account === null ? [] : ["system:serviceaccounts", `system:serviceaccounts:${account[1] ?? ""}`];
  return { name, groups: [...(groups.length > 0 ? groups : implied), AUTHENTICATED] };
}

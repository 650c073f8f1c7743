/** Who asks, as authentication found out. */
import type { JsonObject } from "../object.ts";

export type User = { name: string; uid?: string; groups: readonly string[]; extra?: Record<string, readonly string[]> };

export const MASTERS = "system:masters";
export const AUTHENTICATED = "system:authenticated";
const UNAUTHENTICATED = "system:unauthenticated";
export const ANONYMOUS: User = { name: "system:anonymous", groups: [UNAUTHENTICATED] };
/** The server's own controllers. */
export const SYSTEM: User = { name: "system:apiserver", groups: [MASTERS, AUTHENTICATED] };

/** `userInfo` of an AdmissionReview and `user` of a TokenReview. */
export function toUserInfo(user: User): JsonObject {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

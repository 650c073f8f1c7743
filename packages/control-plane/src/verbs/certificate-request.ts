/** Which part of a CertificateSigningRequest a change may be about: what was asked stays, `approval` judges, `status` signs. */
import { objectAt, objectsAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { VERDICTS } from "../registry/certificate-request-rules.ts";
import type { User } from "../security/user.ts";

/** `part`: which the change is about; other than those of the subresources, neither. `time`: when conditions came that do not say so themselves. */
export function limitRequest(change: { old: KubeObject; next: KubeObject; part: string; time: string }): KubeObject {
  const { old, next, part, time } = change;
  const before = objectAt(old, "status");
  if (part !== "status" && part !== "approval") return { ...next, spec: old["spec"], status: before };
  const earlier = objectsAt(before, "conditions");
  const proposed = objectsAt(next["status"], "conditions");
  const kept = part === "status" ? withVerdictsOf(earlier, proposed) : proposed;
  const conditions = kept.map((condition) => withTimes(condition, { earlier, time }));
  const { conditions: _conditions, ...status } = part === "approval" ? before : objectAt(next, "status");
  return { ...next, spec: old["spec"], status: conditions.length === 0 ? status : { conditions, ...status } };
}

/** Verdicts stay as they were, unless one is new or gone, which is refused. */
function withVerdictsOf(earlier: readonly JsonObject[], proposed: readonly JsonObject[]): JsonObject[] {
  return proposed.map((condition) => {
    const isSame = ({ type }: JsonObject): boolean => type === condition["type"];
    return (VERDICTS.includes(String(condition["type"])) && earlier.find(isSame)) || condition;
  });
}

function withTimes(
  condition: JsonObject,
  { earlier, time }: { earlier: readonly JsonObject[]; time: string },
): JsonObject {
  const same = earlier.find(({ type, status }) => type === condition["type"] && status === condition["status"]);
  return {
    ...condition,
    lastUpdateTime: condition["lastUpdateTime"] ?? time,
    lastTransitionTime: condition["lastTransitionTime"] ?? same?.["lastTransitionTime"] ?? time,
  };
}

/** Who asks is who sends the request, whatever it says; an answer is not brought along. */
export function stampRequester(object: KubeObject, user: User): void {
  const { username: _username, uid: _uid, groups: _groups, extra: _extra, ...asked } = objectAt(object, "spec");
  object["spec"] = {
    ...asked,
    username: user.name,
    groups: [...user.groups],
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

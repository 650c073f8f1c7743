/** Lists: selectors, pages of one snapshot, and what a resourceVersion asks for. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal, itemsAt, namesOf } from "../expect.ts";
import { configMap, node, pod } from "../manifests.ts";
import type { Answer, World } from "../world.ts";

type ListMeta = { resourceVersion: string; continue?: string; remainingItemCount?: number };

async function createMaps({ call, path }: World, count: number): Promise<string> {
  for (let index = 0; index < count; index += 1) {
    const labels = { parity: index % 2 === 0 ? "even" : "odd", index: String(index), ...(index === 0 && { zero: "" }) };
    await call("POST", path("configmaps"), { body: configMap(`m${index}`, {}, { labels }) });
  }
  return path("configmaps");
}

const metaOf = ({ body }: Answer): ListMeta => body.metadata;
const mapsOf = (answer: Answer): string[] => namesOf(answer).filter((name) => name.startsWith("m"));

function selects(selector: string, expected: string[]) {
  return async (world: World): Promise<void> => {
    const maps = await createMaps(world, 4);
    assert.deepEqual(
      mapsOf(await world.call("GET", `${maps}?labelSelector=${encodeURIComponent(selector)}`)),
      expected,
    );
  };
}

function refuses(selector: string, message: RegExp) {
  return async ({ call, path }: World): Promise<void> => {
    const answer = await call("GET", `${path("configmaps")}?labelSelector=${encodeURIComponent(selector)}`);
    expectRefusal(answer, 400, { reason: "BadRequest", message });
  };
}

const encode = (token: string): string => Buffer.from(token).toString("base64url");

export const listCases = behaviour("list", {
  "a list bears kind, version and the names in order": async (world) => {
    const maps = await createMaps(world, 3);
    const answer = await world.call("GET", maps);
    const body = expectBody(answer, 200, { kind: "ConfigMapList", apiVersion: "v1" });
    assert.match(metaOf(answer).resourceVersion, /^[1-9]\d*$/);
    assert.deepEqual(mapsOf(answer), ["m0", "m1", "m2"]);
    const [item] = body["items"] as { kind?: string; apiVersion?: string }[];
    assert.deepEqual([item?.kind, item?.apiVersion], [undefined, undefined]);
  },
  "a list over all namespaces has each object's namespace": async (world) => {
    await createMaps(world, 1);
    const answer = await world.call("GET", `/api/v1/configmaps?fieldSelector=metadata.namespace%3D${world.namespace}`);
    assert.deepEqual(mapsOf(answer), ["m0"]);
  },
  "label: equality": selects("parity=even", ["m0", "m2"]),
  "label: equality with two signs": selects("parity==odd", ["m1", "m3"]),
  "label: inequality takes those without the label too": selects("zero!=x", ["m0", "m1", "m2", "m3"]),
  "label: both of two": selects("parity=even,index!=0", ["m2"]),
  "label: in a set": selects("index in (1, 3)", ["m1", "m3"]),
  "label: not in a set": selects("index notin (1,3),parity", ["m0", "m2"]),
  "label: is there": selects("zero", ["m0"]),
  "label: is not there": selects("!zero,parity", ["m1", "m2", "m3"]),
  "label: an empty value": selects("zero=", ["m0"]),
  "label: greater and less": selects("index>0,index<3", ["m1", "m2"]),
  "label: spaces do not count": selects(" parity = even , index in ( 0 ) ", ["m0"]),
  "label: a set with an empty value": selects("zero in (,x)", ["m0"]),
  "label: three signs are no selector": refuses(
    "a===b",
    /^unable to parse requirement: found '=', expected: identifier$/,
  ),
  "label: a bad key is refused": refuses(
    "-a=b",
    /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/,
  ),
  "label: a bad value is refused": refuses(
    "a=-b",
    /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label must be/,
  ),
  "label: greater wants a number": refuses(
    "a>b",
    /^unable to parse requirement: values\[0\]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer/,
  ),
  "label: a set that is not closed is refused": refuses(
    "a in (b",
    /^unable to parse requirement: found '', expected: ',' or '\)'$/,
  ),
  "field: by name": async (world) => {
    const maps = await createMaps(world, 3);
    assert.deepEqual(mapsOf(await world.call("GET", `${maps}?fieldSelector=metadata.name%3Dm1`)), ["m1"]);
    assert.deepEqual(mapsOf(await world.call("GET", `${maps}?fieldSelector=metadata.name!%3Dm1`)), ["m0", "m2"]);
    assert.deepEqual(
      mapsOf(await world.call("GET", `${maps}?fieldSelector=metadata.name%3Dm1,metadata.name%3Dm2`)),
      [],
    );
  },
  "field: pods by node and phase": async ({ call, path, unique }) => {
    await call("POST", "/api/v1/nodes", { body: node(unique("n")) });
    await call("POST", path("pods"), { body: pod("p1", { nodeName: unique("n") }) });
    await call("POST", path("pods"), { body: pod("p2") });
    const select = async (selector: string) =>
      namesOf(await call("GET", `${path("pods")}?fieldSelector=${encodeURIComponent(selector)}`));
    assert.deepEqual(await select(`spec.nodeName=${unique("n")}`), ["p1"]);
    assert.deepEqual(await select("spec.nodeName="), ["p2"]);
    assert.deepEqual(await select("status.phase=Pending,spec.nodeName!="), ["p1"]);
    assert.deepEqual(await select("spec.restartPolicy=Never"), []);
    assert.deepEqual(await select("spec.schedulerName=default-scheduler"), ["p1", "p2"]);
  },
  "field: nodes by being unschedulable": async ({ call, unique }) => {
    const labels = { mine: unique("x") };
    await call("POST", "/api/v1/nodes", { body: node(unique("a"), { unschedulable: true }, { labels }) });
    await call("POST", "/api/v1/nodes", { body: node(unique("b"), {}, { labels }) });
    const select = async (selector: string) =>
      namesOf(
        await call(
          "GET",
          `/api/v1/nodes?labelSelector=mine%3D${unique("x")}&fieldSelector=${encodeURIComponent(selector)}`,
        ),
      );
    assert.deepEqual(await select("spec.unschedulable=true"), [unique("a")]);
    assert.deepEqual(await select("spec.unschedulable=false"), [unique("b")]);
  },
  "field: secrets by type": async ({ call, path }) => {
    await call("POST", path("secrets"), { body: { metadata: { name: "a" } } });
    await call("POST", path("secrets"), { body: { metadata: { name: "b" }, type: "example.com/x" } });
    assert.deepEqual(namesOf(await call("GET", `${path("secrets")}?fieldSelector=type%3DOpaque`)), ["a"]);
  },
  "field: one that the kind does not offer is refused": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?fieldSelector=data.x%3Dy`), 400, {
      reason: "BadRequest",
      message: '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
  },
  "field: what is no selector is refused": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?fieldSelector=oops`), 400, {
      reason: "BadRequest",
      message: /invalid selector: 'oops'; can't understand 'oops'/,
    });
  },
  "pages come from one snapshot, whatever happens between them": async (world) => {
    const maps = await createMaps(world, 5);
    const query = "limit=2&labelSelector=parity";
    const first = await world.call("GET", `${maps}?${query}`);
    assert.deepEqual(namesOf(first), ["m0", "m1"]);
    await world.call("DELETE", `${maps}/m2`);
    await world.call("POST", maps, { body: configMap("m15", {}, { labels: { parity: "x" } }) });
    const second = await world.call("GET", `${maps}?${query}&continue=${metaOf(first).continue ?? ""}`);
    assert.deepEqual(namesOf(second), ["m2", "m3"]);
    assert.equal(metaOf(second).resourceVersion, metaOf(first).resourceVersion);
    const third = await world.call("GET", `${maps}?${query}&continue=${metaOf(second).continue ?? ""}`);
    assert.deepEqual([namesOf(third), metaOf(third).continue], [["m4"], undefined]);
  },
  "a page says how many are left, unless a selector is at work": async (world) => {
    await world.until(`${world.path("configmaps")}/kube-root-ca.crt`, (object) => object !== undefined);
    const maps = await createMaps(world, 4);
    assert.equal(metaOf(await world.call("GET", `${maps}?limit=2`)).remainingItemCount, 3);
    assert.equal(metaOf(await world.call("GET", `${maps}?limit=1&labelSelector=parity`)).remainingItemCount, undefined);
  },
  "a limit that holds all needs no next page": async (world) => {
    const maps = await createMaps(world, 2);
    const answer = await world.call("GET", `${maps}?limit=2&labelSelector=parity`);
    assert.deepEqual([namesOf(answer).length, metaOf(answer).continue], [2, undefined]);
  },
  "a continue token that is none is refused": async ({ call, path }) => {
    const refusals = {
      garbage: "invalid character '\\u0081' looking for beginning of value",
      "a=b": "illegal base64 data at input byte 1",
      [encode("{}")]: "server does not recognize this encoded version ",
      [encode('{"v":"meta.k8s.io/v2","rv":1,"start":"a"}')]:
        "server does not recognize this encoded version meta.k8s.io/v2",
      [encode('{"v":"meta.k8s.io/v1","start":"a"}')]:
        "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
      [encode('{"v":"meta.k8s.io/v1","rv":5}')]: "encoded start key empty (version meta.k8s.io/v1)",
      [encode('{"v":"meta.k8s.io/v1","rv":5,"start":"../x"}')]: "../x",
    };
    for (const [token, why] of Object.entries(refusals)) {
      expectRefusal(await call("GET", `${path("configmaps")}?limit=1&continue=${encodeURIComponent(token)}`), 400, {
        reason: "BadRequest",
        message: `invalid continue token: continue key is not valid: ${why}`,
      });
    }
  },
  "a token without a revision goes on with what is there": async (world) => {
    const maps = await createMaps(world, 3);
    const token = encode('{"v":"meta.k8s.io/v1","rv":-1,"start":"m0\\u0000"}');
    assert.deepEqual(mapsOf(await world.call("GET", `${maps}?continue=${token}`)), ["m1", "m2"]);
  },
  "a limit is an integer of 64 bits": async ({ call, path }) => {
    const refusals = {
      "": "invalid syntax",
      x: "invalid syntax",
      "1.5": "invalid syntax",
      "9223372036854775808": "value out of range",
    };
    for (const [limit, why] of Object.entries(refusals)) {
      expectRefusal(await call("GET", `${path("configmaps")}?limit=${limit}`), 400, {
        reason: "BadRequest",
        message: `strconv.ParseInt: parsing "${limit}": ${why}`,
      });
    }
    expectBody(await call("GET", `${path("configmaps")}?limit=9223372036854775807`), 200);
  },
  "whom any state will do gets all of it at once": async (world) => {
    const maps = await createMaps(world, 3);
    await world.until(`${maps}?resourceVersion=0&limit=1`, (list) => {
      const hasMore = list !== undefined && "continue" in list.metadata;
      return !hasMore && itemsAt(list, "items").length >= 3;
    });
  },
  "options that exclude each other are all named": async ({ call, path }) => {
    const forbidden = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden";
    const at = `${path("configmaps")}?resourceVersionMatch=Near&continue=x&sendInitialEvents=true`;
    expectRefusal(await call("GET", at), 422, {
      reason: "Invalid",
      message: `ListOptions.meta.k8s.io "" is invalid: [${forbidden} unless resourceVersion is provided, ${forbidden} when continue is provided, resourceVersionMatch: Unsupported value: "Near": supported values: "Exact", "NotOlderThan", "", sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]`,
    });
    expectRefusal(await call("GET", `${path("configmaps")}?watch=1&resourceVersionMatch=Exact&continue=x`), 422, {
      reason: "Invalid",
      message: `ListOptions.meta.k8s.io "" is invalid: [${forbidden} for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan", ${forbidden} when continue is provided]`,
    });
  },
  "continue and resourceVersion exclude each other": async (world) => {
    const maps = await createMaps(world, 2);
    const first = await world.call("GET", `${maps}?limit=1`);
    const next = `${maps}?limit=1&continue=${metaOf(first).continue ?? ""}&resourceVersion=${metaOf(first).resourceVersion}`;
    expectRefusal(await world.call("GET", next), 400, {
      reason: "BadRequest",
      message: "specifying resource version is not allowed when using continue",
    });
  },
  "resourceVersionMatch=Exact shows the past": async (world) => {
    const maps = await createMaps(world, 2);
    const { resourceVersion } = metaOf(await world.call("GET", maps));
    await world.call("DELETE", `${maps}/m0`);
    const past = await world.call("GET", `${maps}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`);
    assert.deepEqual(mapsOf(past), ["m0", "m1"]);
    assert.equal(metaOf(past).resourceVersion, resourceVersion);
  },
  "resourceVersionMatch=NotOlderThan shows what is at least as new": async (world) => {
    const maps = await createMaps(world, 2);
    const { resourceVersion } = metaOf(await world.call("GET", maps));
    const answer = await world.call(
      "GET",
      `${maps}?resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`,
    );
    assert.deepEqual(mapsOf(answer), ["m0", "m1"]);
    assert.ok(Number(metaOf(answer).resourceVersion) >= Number(resourceVersion));
  },
  "resourceVersion=0 takes any state": async (world) => {
    await createMaps(world, 1);
    await world.until(
      `${world.path("configmaps")}?resourceVersion=0`,
      (list) => ((list?.["items"] as unknown[]) ?? []).length > 0,
    );
  },
  "resourceVersionMatch without a resourceVersion is refused": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?resourceVersionMatch=Exact`), 422, {
      reason: "Invalid",
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    });
  },
  "an exact match of resourceVersion 0 is refused": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?resourceVersionMatch=Exact&resourceVersion=0`), 422, {
      reason: "Invalid",
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    });
  },
  "an unknown resourceVersionMatch is refused": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?resourceVersionMatch=Near&resourceVersion=1`), 422, {
      reason: "Invalid",
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Near": supported values: "Exact", "NotOlderThan", ""',
    });
  },
  "a resourceVersion that is no number is refused": async ({ call, path }) => {
    expectBody(await call("GET", `${path("configmaps")}?resourceVersion=abc`), 400, { reason: "BadRequest" });
  },
  "a resourceVersion from the future is refused with a time to retry": async ({ call, path }) => {
    const answer = await call(
      "GET",
      `${path("configmaps")}?resourceVersion=999999999&resourceVersionMatch=NotOlderThan`,
    );
    expectRefusal(answer, 504, {
      reason: "Timeout",
      message: /^Timeout: Too large resource version: 999999999, current: \d+$/,
    });
    assert.deepEqual(answer.body["details"], {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    });
  },
  "the same state has the same resourceVersions": async (world) => {
    const maps = await createMaps(world, 1);
    const { body: single } = await world.call("GET", `${maps}/m0`);
    const { body: list } = await world.call("GET", `${maps}?labelSelector=zero`);
    const [item] = list["items"] as { metadata: { resourceVersion: string } }[];
    assert.equal(item?.metadata.resourceVersion, single.metadata.resourceVersion);
    assert.ok(Number(list.metadata.resourceVersion) >= Number(single.metadata.resourceVersion));
  },
});

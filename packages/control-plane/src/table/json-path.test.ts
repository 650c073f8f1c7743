import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsonPath } from "./json-path.ts";

const object = {
  metadata: { annotations: { "example.com/size": "big" } },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Other", status: "False" },
    ],
    list: [1, 2, 3],
  },
};

for (const [path, expected] of Object.entries({
  ".status.list[1]": [2],
  ".status.list[-1]": [3],
  ".status.list[*]": [1, 2, 3],
  '.status.conditions[?(@.type=="Ready")].status': ["True"],
  ".status.conditions[?(@.type=='Other')].status": ["False"],
  ".metadata.annotations.example\\.com/size": ["big"],
  '.metadata.annotations["example.com/size"]': ["big"],
  ".status.list[0:2]": [1, 2],
  ".status.list[-1:]": [3],
  ".status.list[::2]": [1, 3],
  ".status.list[0,2]": [1, 3],
  ".status.list[?(@>1)]": [2, 3],
  '.status.conditions[?(@.type<"P")].status': ["False"],
  "..type": ["Ready", "Other"],
  "{.status.missing}": [],
})) {
  test(`${path} finds ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseJsonPath(path)(object), expected);
  });
}

test("what is no path throws", () => {
  assert.throws(() => parseJsonPath(".a[?"), SyntaxError);
  assert.throws(() => parseJsonPath("...a"), SyntaxError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeMetadataProblems } from "./node-metadata.ts";
import { formatProblems } from "./parse.ts";

const problemsOf = (spec: Parameters<typeof nodeMetadataProblems>[0]): string =>
  formatProblems(nodeMetadataProblems(spec, "spec"));

test("what Kubernetes takes is taken", () => {
  const long = "a".repeat(63);
  assert.equal(
    problemsOf({
      metadata: {
        name: "worker-1.example.com",
        labels: { a: "", "Example_1.x": "A-b_c.9", [`node-role.kubernetes.io/${long}`]: long },
        annotations: { "example.com/note": "any\ntext" },
      },
      taints: [
        { key: "example.com/gpu", effect: "NoSchedule" },
        { key: "x", value: "1", effect: "NoExecute" },
      ],
    }),
    "",
  );
});

test("what Kubernetes refuses is named with its path and a remedy", () => {
  const cases: [spec: Parameters<typeof nodeMetadataProblems>[0], problem: RegExp][] = [
    [{ metadata: { name: "Worker 1" } }, /^spec\.metadata\.name: "Worker 1" is no name of a Node; use lower-case/],
    [
      { metadata: { labels: { "a b": "" } } },
      /^spec\.metadata\.labels: "a b" is not a key that Kubernetes takes; use /,
    ],
    [{ metadata: { labels: { "/a": "" } } }, /"\/a" is not a key/],
    [{ metadata: { labels: { "Example.com/a": "" } } }, /"Example\.com\/a" is not a key/],
    [{ metadata: { labels: { "a/b/c": "" } } }, /"a\/b\/c" is not a key/],
    [{ metadata: { labels: { ["a".repeat(64)]: "" } } }, /is not a key/],
    [{ metadata: { labels: { a: "b c" } } }, /^spec\.metadata\.labels\.a: "b c" is not a value that Kubernetes takes/],
    [{ metadata: { labels: { a: "b".repeat(64) } } }, /is not a value/],
    [{ metadata: { annotations: { "-": "" } } }, /^spec\.metadata\.annotations: "-" is not a key/],
    [{ taints: [{ key: "", effect: "NoSchedule" }] }, /^spec\.taints\[0\]\.key: "" is not a key/],
    [{ taints: [{ key: "a", value: "b:c", effect: "NoSchedule" }] }, /^spec\.taints\[0\]\.value: "b:c" is not a value/],
    [{ taints: [{ key: "a", effect: "NoShedule" }] }, /^spec\.taints\[0\]\.effect: .* did you mean "NoSchedule"\?$/],
    [{ taints: [{ key: "a", effect: "x" }] }, /use one of NoSchedule, PreferNoSchedule, NoExecute$/],
  ];
  for (const [spec, problem] of cases) assert.match(problemsOf(spec), problem);
});

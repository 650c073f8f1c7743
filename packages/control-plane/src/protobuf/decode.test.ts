import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "../status-error.ts";
import { decodeProtobuf } from "./decode.ts";

type Part = readonly [number, number | string | Uint8Array | readonly Part[]];

/** Writes parts as protobuf: numbers as varints, everything else length-delimited. */
function encode(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map(([number, value]) => {
      if (typeof value === "number") return Buffer.from([number << 3, value]);
      const bytes =
        typeof value === "string" ? Buffer.from(value) : value instanceof Uint8Array ? value : encode(value);
      return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
    }),
  );
}

function envelope(apiVersion: string, kind: string, message: readonly Part[]): Uint8Array {
  const type: Part[] = [
    [1, apiVersion],
    [2, kind],
  ];
  return Buffer.concat([
    Buffer.from("k8s\0"),
    encode([
      [1, type],
      [2, message],
    ]),
  ]);
}

test("maps, bytes and nested metadata come out as the JSON they stand for", () => {
  const metadata: Part[] = [
    [1, "token"],
    [3, ""],
    [8, [[1, 5]]],
    [
      11,
      [
        [1, "app"],
        [2, "x"],
      ],
    ],
  ];
  const bytes = envelope("v1", "Secret", [
    [1, metadata],
    [
      2,
      [
        [1, "k"],
        [2, new Uint8Array([1, 2])],
      ],
    ],
    [3, "Opaque"],
  ]);
  assert.deepEqual(decodeProtobuf(bytes), {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "token", creationTimestamp: "1970-01-01T00:00:05Z", labels: { app: "x" } },
    data: { k: "AQI=" },
    type: "Opaque",
  });
});

test("what Go embeds stands in its parent, and an int-or-string is what it says", () => {
  const volume: Part[] = [
    [1, "v"],
    [2, [[2, []]]],
  ];
  const decoded = decodeProtobuf(envelope("v1", "Pod", [[2, [[1, volume]]]])) as { spec: { volumes: unknown[] } };
  assert.deepEqual(decoded.spec.volumes, [{ name: "v", emptyDir: {} }]);
  const budget = envelope("policy/v1", "PodDisruptionBudget", [
    [
      2,
      [
        [
          1,
          [
            [1, 1],
            [3, "50%"],
          ],
        ],
      ],
    ],
  ]);
  assert.deepEqual((decodeProtobuf(budget) as { spec: unknown }).spec, { minAvailable: "50%" });
});

test("bytes that are no object are a bad request", () => {
  for (const bytes of [
    new Uint8Array(),
    Buffer.from("k8s\0\x0a\xff"),
    Buffer.from("{}"),
    envelope("v1", "Unheard", []),
  ]) {
    assert.throws(
      () => decodeProtobuf(bytes),
      (error) => error instanceof StatusError && error.reason === "BadRequest",
    );
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { fillPlaceholders } from "./placeholders.ts";

test("the name is filled in, plain and escaped, as often as it is asked for", () => {
  const document = "hostname: <MACHINE_NAME>\nname: <MACHINE_NAME>\nsource: data:,%3CMACHINE_NAME%3E%0A\n";
  assert.equal(fillPlaceholders(document, "a$&b"), "hostname: a$&b\nname: a$&b\nsource: data:,a%24%26b%0A\n");
});

test("lines of nothing but blanks are emptied, others keep theirs", () => {
  assert.equal(fillPlaceholders("a:\n  \t\n  b \n\n\t\n", "n"), "a:\n\n  b \n\n\n");
});

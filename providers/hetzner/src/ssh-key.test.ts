import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { newPublicKey } from "./ssh-key.ts";

// RFC 8032, section 7.1, test 1.
const SEED = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
const PUBLIC_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const line = newPublicKey({ bytes: (length) => SEED.subarray(0, length) });

test("the key is an authorized_keys line of an Ed25519 public key", () => {
  const [algorithm, base64 = "", comment, ...rest] = line.split(" ");
  assert.deepEqual([algorithm, comment, rest], ["ssh-ed25519", "machine-controller", []]);
  const wire = Buffer.from(base64, "base64");
  assert.equal(wire.readUInt32BE(0), 11);
  assert.equal(wire.toString("latin1", 4, 15), "ssh-ed25519");
  assert.equal(wire.readUInt32BE(15), 32);
  assert.equal(wire.toString("hex", 19), PUBLIC_KEY);
});

test("OpenSSH reads it", (t) => {
  const { error, stdout, status } = spawnSync("ssh-keygen", ["-lf", "-"], { input: line, encoding: "utf8" });
  if (error !== undefined) return t.skip("no ssh-keygen here");
  assert.equal(status, 0);
  assert.match(stdout, /^256 SHA256:\S+ machine-controller \(ED25519\)/);
});

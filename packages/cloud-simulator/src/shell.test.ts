import assert from "node:assert/strict";
import { test } from "node:test";
import { parseShell, splitWords, withoutPrefixes } from "./shell.ts";

const words = (script: string): string[] => parseShell(script).map((command) => command.words.join(" "));

test("commands end at newlines and separators, not inside quotes or substitutions", () => {
  assert.deepEqual(words("a b; c && d || e | f &\n( g )"), ["a b", "c", "d", "e", "f", "g"]);
  assert.deepEqual(words(`echo "x; y" 'z && $q' $(date; id)`), ["echo x; y z && $q $(date; id)"]);
  assert.deepEqual(words("a \\\n  b # c\n# d\ne"), ["a b", "e"]);
});

test("redirections stay with their command", () => {
  assert.deepEqual(words('echo "$x" >/run/env 2>&1\nls >> log'), ["echo $x > /run/env 2>&1", "ls >> log"]);
});

test("a here-document is the input of its command, and no command itself", () => {
  const [cat, next] = parseShell("cat <<'EOF' > /etc/unit\nsystemctl start x\nEOF\nls");
  assert.deepEqual(cat, { words: ["cat", ">", "/etc/unit"], heredoc: { body: "systemctl start x\n", quoted: true } });
  assert.deepEqual(next?.words, ["ls"]);
});

test("words in front of a program are not the program", () => {
  assert.deepEqual(withoutPrefixes(splitWords("if ! sudo -E timeout 30 A=b systemctl start x")), [
    "systemctl",
    "start",
    "x",
  ]);
  assert.deepEqual(withoutPrefixes(["A=b"]), []);
});

test("the arguments of a script are filled in as its quotes say", () => {
  const commands = (script: string, ...args: string[]): string[][] =>
    parseShell(script, args).map(({ words }) => words);
  const both = ["a b", "c"];
  assert.deepEqual(commands('log "run: $*" && exec "$@"', ...both), [
    ["log", "run: a b c"],
    ["exec", "a b", "c"],
  ]);
  assert.deepEqual(commands("$* x$1 $2", ...both), [["a", "b", "c", "xa", "b", "c"]]);
  assert.deepEqual(commands('"${1}" "x$2" "$3"', ...both), [["a b", "xc", ""]]);
  assert.deepEqual(commands(`awk '{print $1}' "\\$1" # it's $1`, ...both), [["awk", "{print $1}", "$1"]]);
  assert.deepEqual(commands('"$@"'), []);
  assert.deepEqual(parseShell('"$*" $1')[0]?.words, ["$*", "$1"]);
  assert.equal(parseShell("cat <<E\n$1 ${2}\nE\n", both)[0]?.heredoc?.body, "a b c\n");
});

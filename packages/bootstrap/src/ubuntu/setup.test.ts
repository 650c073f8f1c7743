/** Runs the real script in a folder of its own, with the machine's programs replaced by ones that keep a journal. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { parseKubeletVersion } from "../kubelet-version.ts";
import { setupScript } from "../setup-script.ts";
import { INSTALL_PACKAGES } from "./setup.ts";

/** Serves `<folder>/downloads/<last part of the URL>`; fails while a file `<name>.broken` is beside it. */
const CURL = `#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in
  -o) file=$2; shift ;;
  https://*) url=$1 ;;
  esac
  shift
done
echo "curl $url" >>"$ROOT/journal"
name=\${url##*/}
if [ -e "$ROOT/downloads/$name.broken" ]; then exit 22; fi
cp "$ROOT/downloads/$name" "$file"
`;
const RECORD = `#!/bin/bash
echo "\${0##*/} $*" >>"$ROOT/journal"
`;
const ARCHIVES = ["cni-plugins-linux-arm64-v1.9.1.tgz", "crictl-v1.36.0-linux-arm64.tar.gz"];

describe("setup", { skip: process.platform === "linux" ? false : "the script needs the programs of Linux" }, () => {
  test("a fresh machine gets its packages and verified binaries of its architecture, then its kubelet starts", (t) => {
    const machine = createMachine(t);
    assert.equal(machine.setup().status, 0);
    assert.equal(machine.read("opt/bin/kubelet"), "kubelet");
    assert.equal(machine.read("opt/cni/bin/bridge"), "bridge");
    assert.equal(machine.read("usr/local/bin/crictl"), "crictl");
    assert.match(machine.read("etc/apt/sources.list.d/docker.list"), /linux\/ubuntu noble stable$/m);
    assert.equal(machine.read("etc/fstab"), "/dev/sda1 / ext4 defaults 0 1\n#/swap none swap sw 0 0\n");
    assert.equal(existsSync(join(machine.root, "var/cache/setup")), false);
    const journal = machine.journal();
    assert.ok(journal.includes("curl https://dl.k8s.io/v1.36.2/bin/linux/arm64/kubelet"));
    const packages = journal.findIndex((line) => line.startsWith("apt-get") && line.endsWith("containerd.io=2.2.*"));
    const kubelet = journal.indexOf("systemctl enable --now --no-block kubelet.service");
    assert.ok(packages >= 0 && packages < journal.indexOf("systemctl restart containerd.service"));
    assert.ok(journal.indexOf("systemctl restart containerd.service") < kubelet);
    assert.equal(journal.at(-1), "systemctl disable setup.service");
  });

  test("after a download that failed for good, the next run fetches only what is missing", (t) => {
    const machine = createMachine(t);
    writeFileSync(join(machine.root, "downloads/kubelet.broken"), "");
    const first = machine.setup();
    assert.notEqual(first.status, 0);
    assert.match(first.stderr, /setup: try 5 of 5 failed: curl .*\/kubelet /);
    assert.match(first.stderr, /setup: line \d+ failed/);
    assert.equal(
      machine.journal().some((line) => line.includes("kubelet.service")),
      false,
    );

    rmSync(join(machine.root, "downloads/kubelet.broken"));
    writeFileSync(join(machine.root, "journal"), "");
    assert.equal(machine.setup().status, 0);
    assert.deepEqual(
      machine
        .journal()
        .filter((line) => line.startsWith("curl"))
        .map((line) => line.split("/").at(-1)),
      ["gpg", "kubelet.sha256", "kubelet"],
    );
  });

  test("a download that does not match its checksum is not installed", (t) => {
    const machine = createMachine(t);
    writeFileSync(join(machine.root, "downloads/kubelet"), "tampered with");
    const { status, stderr } = machine.setup();
    assert.notEqual(status, 0);
    assert.match(stderr, /sha256sum --check/);
    assert.equal(existsSync(join(machine.root, "opt/bin/kubelet")), false);
  });

  test("a machine without Kubernetes binaries says so", (t) => {
    const { status, stderr } = createMachine(t, "riscv64").setup();
    assert.equal(status, 1);
    assert.match(stderr, /no Kubernetes binaries for riscv64/);
  });
});

function createMachine(t: TestContext, architecture = "aarch64") {
  const root = mkdtempSync(join(tmpdir(), "setup-"));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, content: string): void => writeFileSync(join(root, path), content);
  for (const folder of ["bin", "downloads", "opt/bin", "etc/apt/sources.list.d", "usr/local/bin", "content"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  write("etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n/swap none swap sw 0 0\n");
  write("etc/os-release", "VERSION_CODENAME=noble\n");
  write("bin/curl", CURL);
  write("bin/uname", `#!/bin/bash\necho ${architecture}\n`);
  for (const program of ["apt-get", "sleep", "swapoff", "sysctl", "systemctl", "ufw"]) write(`bin/${program}`, RECORD);
  for (const program of readdirSync(join(root, "bin"))) chmodSync(join(root, "bin", program), 0o755);

  for (const name of ["bridge", "crictl"]) write(`content/${name}`, name);
  for (const archive of ARCHIVES) {
    spawnSync("tar", ["-czf", join(root, "downloads", archive), "-C", join(root, "content"), "bridge", "crictl"]);
  }
  write("downloads/kubelet", "kubelet");
  write("downloads/gpg", "key");
  for (const name of [...ARCHIVES, "kubelet"]) {
    const { stdout } = spawnSync("sha256sum", [join(root, "downloads", name)], { encoding: "utf8" });
    write(`downloads/${name}.sha256`, stdout);
  }

  const script = setupScript({ kubeletVersion: parseKubeletVersion("1.36.2"), installPackages: INSTALL_PACKAGES });
  const confined = script.replaceAll(/(?<=[\s=>])\/(etc|opt|usr|var)\//g, `${root}/$1/`);
  return {
    root,
    setup: () =>
      spawnSync("bash", ["-c", confined], {
        encoding: "utf8",
        env: { ROOT: root, PATH: `${join(root, "bin")}:${process.env["PATH"]}` },
      }),
    read: (path: string) => readFileSync(join(root, path), "utf8"),
    journal: () => readFileSync(join(root, "journal"), "utf8").split("\n").slice(0, -1),
  };
}

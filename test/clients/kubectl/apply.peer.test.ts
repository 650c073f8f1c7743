import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeKubectls } from "./kubectl.ts";
import { configMap, deployment, widget, widgetDefinition } from "./manifests.ts";

const OVERLAY = join(import.meta.dirname, "../testdata/kustomize/overlay");

describeKubectls("writing with kubectl", ({ folder, run, expect, refuses }) => {
  test("applies on the client's side", async () => {
    await expect("apply -f -", /configmap\/a created/, configMap("a", { one: "1", two: "2" }));
    await expect("apply -f -", /configmap\/a unchanged/, configMap("a", { one: "1", two: "2" }));
    await expect("apply -f -", /configmap\/a configured/, configMap("a", { one: "3" }));
    await expect("get configmap a -o jsonpath={.data}", /^\{"one":"3"\}$/);
    await expect("apply view-last-applied configmap/a", /^data:\n {2}one: "3"\n/m);
    await expect("apply -f - --dry-run=server", /configmap\/a configured \(server dry run\)/, configMap("a", {}));
    await expect("apply -f - --dry-run=client", /configmap\/a configured \(dry run\)/, configMap("a", {}));
    await expect("get configmap a -o jsonpath={.data}", /^\{"one":"3"\}$/);
  });

  test("applies a definition, then an object of it, with a strategic merge where the kind has one", async () => {
    await expect("apply -f -", /customresourcedefinition.apiextensions.k8s.io\/widgets/, widgetDefinition);
    await expect("wait --for=condition=Established crd/widgets.clients.example", /condition met/);
    await expect("apply -f -", /widget.clients.example\/a created\n(.|\n)*web created/, [
      widget("a"),
      deployment("web"),
    ]);
    await expect("set image deployment/web side=busybox:2", /image updated/);
    const web = deployment("web");
    (web["spec"] as { replicas?: number }).replicas = 4;
    await expect("apply -f -", /web configured/, web);
    await expect(
      "get deployment web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[*].image}",
      /^4nginx:1 busybox:1$/,
    );
    await expect(
      "apply -f -",
      /widget.clients.example\/a configured/,
      widget("a", { size: 4, parts: [{ name: "x" }] }),
    );
    await expect("apply -f -", /widget.clients.example\/a configured/, widget("a", { size: 4 }));
    await expect("get wd a -o jsonpath={.spec}", /^\{"color":"red","replicas":1,"size":4\}$/);
  });

  test("applies on the server's side, with conflicts and without", async () => {
    await expect("apply --server-side -f -", /configmap\/s serverside-applied/, configMap("s", { one: "1", two: "2" }));
    await expect("apply --server-side -f -", /serverside-applied/, configMap("s", { one: "1" }));
    await expect("get configmap s -o jsonpath={.data}", /^\{"one":"1"\}$/);
    await refuses(
      "apply --server-side --field-manager=other -f -",
      /Apply failed with 1 conflict: conflict with "kubectl": \.data\.one\n[^]*--force-conflicts/,
      configMap("s", { one: "2" }),
    );
    await expect(
      "apply --server-side --field-manager=other --force-conflicts -f -",
      /applied/,
      configMap("s", { one: "2" }),
    );
    await expect("get configmap s -o yaml --show-managed-fields", /manager: other\n {4}operation: Apply/);
    await expect("apply --server-side -f - --dry-run=server", /server dry run/, configMap("s", { three: "3" }));
    await refuses("apply --server-side -f -", /conflict with "other": \.data\.one/, configMap("s", { one: "3" }));
  });

  test("takes an object over from client-side apply to server-side apply", async () => {
    await expect("apply -f -", /created/, configMap("moved", { one: "1", two: "2" }));
    await expect("apply --server-side -f -", /serverside-applied/, configMap("moved", { one: "9" }));
    await expect("get configmap moved -o jsonpath={.data}", /^\{"one":"9"\}$/);
  });

  test("prunes what is no longer applied", async () => {
    const labelled = (name: string) => {
      const object = configMap(name, {});
      object.metadata["labels"] = { set: "pruned" };
      return object;
    };
    await expect("apply -f -", /p1 created\n[^]*p2 created/, [labelled("p1"), labelled("p2")]);
    await expect(
      "apply -f - --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap",
      /p1 \w+\n[^]*p2 pruned/,
      labelled("p1"),
    );
  });

  test("applies what kustomize builds", async () => {
    await expect(
      `apply -k ${OVERLAY}`,
      /configmap\/overlaid-settings-\w+ created\ndeployment.apps\/overlaid-web created/,
    );
    const { text } = await run(`kustomize ${OVERLAY}`);
    await expect("apply -f -", /settings-\w+ unchanged\ndeployment.apps\/overlaid-web unchanged/, text);
    await expect("get deployment overlaid-web -o jsonpath={.spec.replicas}{..image}", /^3nginx:2$/);
    await expect(`delete -k ${OVERLAY}`, /"overlaid-web" deleted/);
  });

  test("finds mistakes before they are stored", async () => {
    const typo = widget("typo", { size: 1, colour: "red" });
    await refuses("apply -f -", /unknown field "spec.colour"/, typo);
    await expect("apply -f - --validate=warn", /created\nWarning: unknown field "spec.colour"/, typo);
    await expect("apply -f - --validate=false", /unchanged|configured/, typo);
    await refuses(
      "create -f -",
      /spec.size: Invalid value: 99: spec.size in body should be less than or equal to 10/,
      widget("b", { size: 99 }),
    );
    await refuses("create -f -", /spec.size: Required value/, widget("b", {}));
    await refuses(
      "create -f -",
      /spec.color: Unsupported value: "green": supported values: "red", "blue"/,
      widget("b", { size: 1, color: "green" }),
    );
    await refuses("create -f -", /already exists/, widget("a"));
    await refuses("create -f -", /no matches for kind "Gone" in version "clients.example\/v1"/, {
      ...widget("g"),
      kind: "Gone",
    });
  });

  test("shows what an apply would change", async () => {
    const env = { KUBECTL_EXTERNAL_DIFF: "diff -u -N" };
    await expect("apply -f -", /created/, configMap("d", { one: "1" }));
    for (const flags of ["", " --server-side --force-conflicts"]) {
      const changed = await run(`diff -f -${flags}`, { stdin: configMap("d", { one: "2" }), env });
      assert.match(changed.text, /^-\s+one: "1"\n^\+\s+one: "2"$/m);
      assert.equal(changed.code, 1);
    }
    assert.deepEqual(await run("diff -f -", { stdin: configMap("d", { one: "1" }), env }), { text: "", code: 0 });
    const unborn = await run("diff -f -", { stdin: configMap("unborn", { one: "1" }), env });
    assert.match(unborn.text, /^\+kind: ConfigMap$/m);
    assert.equal(unborn.code, 1);
  });

  test("edits with an editor", async () => {
    const editor = (script: string) => ({ KUBE_EDITOR: `sed -i -e ${script}` });
    await expect("create -f -", /created/, configMap("e", { one: "1" }));
    const edit = (command: string, script: string) => run(command, { env: editor(script) });
    assert.match((await edit("edit configmap e", 's/one:.*/one:\\ "edited"/')).text, /configmap\/e edited/);
    await expect("get configmap e -o jsonpath={.data.one}", /^edited$/);
    assert.match((await edit("edit configmap e", "s/absent/x/")).text, /Edit cancelled, no changes made/);
    assert.match((await edit("edit widget a", "s/size:.*/size:\\ 7/")).text, /widget.clients.example\/a edited/);
    const refused = await edit("edit widget a", "s/size:.*/size:\\ 77/");
    assert.match(refused.text, /widgets.clients.example "a" is invalid/);
    assert.equal(refused.code, 1);
    await expect('patch widget a --subresource=status --type=merge -p {"status":{"phase":"Cold"}}', /patched/);
    assert.match((await edit("edit widget a --subresource=status", "s/Cold/Warm/")).text, /edited/);
    await expect("get widget a -o jsonpath={.spec.size}{.status.phase}", /^7Warm$/);
  });

  test("replaces", async () => {
    await expect("create -f - --save-config", /created/, configMap("r", { one: "1" }));
    const before = await expect("get configmap r -o json", /"resourceVersion"/);
    const { uid } = (JSON.parse(before) as { metadata: { uid: string } }).metadata;
    await expect("replace -f -", /replaced/, configMap("r", { two: "2" }));
    await expect("get configmap r -o jsonpath={.data}", /^\{"two":"2"\}$/);
    await refuses(
      "replace -f -",
      /Operation cannot be fulfilled on configmaps "r": the object has been modified/,
      before,
    );
    await expect("replace --force -f -", /"r" deleted[^]*configmap\/r replaced/, configMap("r", { three: "3" }));
    assert.notEqual((await run("get configmap r -o jsonpath={.metadata.uid}")).text, uid);
    await refuses("replace -f -", /"none" not found/, configMap("none", {}));
  });

  test("patches in each way", async () => {
    const strategic = { spec: { template: { spec: { containers: [{ name: "side", image: "busybox:9" }] } } } };
    await expect(["patch", "deployment", "web", "-p", JSON.stringify(strategic)], /patched/);
    await expect("get deployment web -o jsonpath={.spec.template.spec.containers[*].image}", /^nginx:1 busybox:9$/);
    const drop = { spec: { template: { spec: { containers: [{ name: "side", $patch: "delete" }] } } } };
    await expect(["patch", "deployment", "web", "-p", JSON.stringify(drop)], /patched/);
    await expect("get deployment web -o jsonpath={.spec.template.spec.containers[*].name}", /^main$/);
    await expect('patch wd a --type=merge -p {"spec":{"size":5}}', /widget.clients.example\/a patched/);
    await expect('patch wd a --type=merge -p {"spec":{"size":5}}', /patched \(no change\)/);
    const list = JSON.stringify([
      { op: "test", path: "/spec/size", value: 5 },
      { op: "add", path: "/spec/parts", value: [] },
    ]);
    await expect(["patch", "wd", "a", "--type=json", "-p", list], /patched/);
    await refuses('patch wd a --type=json -p [{"op":"test","path":"/spec/size","value":6}]', /./);
    await refuses(
      'patch wd a -p {"spec":{"size":6}}',
      /the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml/,
    );
    await expect('patch wd a --subresource=scale --type=merge -p {"spec":{"replicas":6}}', /patched/);
    await expect("get wd a --subresource=scale", /NAME +DESIRED +AVAILABLE +AGE\na +6 +0/);
    writeFileSync(join(folder, "patch.yaml"), 'metadata:\n  labels:\n    patched: "yes"\n');
    await expect(`patch configmap a --patch-file=${join(folder, "patch.yaml")}`, /patched/);
    await expect("get configmaps -l patched=yes -o name", /^configmap\/a\n$/);
  });

  test("labels, annotates and scales", async () => {
    await expect("label wd a tier=front", /labeled/);
    await refuses("label wd a tier=back", /already has a value \(front\), and --overwrite is false/);
    await expect("label wd a tier=back --overwrite", /labeled/);
    await expect("label wd a --list", /^tier=back$/m);
    await expect("label wd a tier-", /unlabeled/);
    await expect("label configmap --all all=yes", /labeled/);
    await refuses(["label", "wd", "a", "bad=not a value"], /invalid label value/);
    await expect(["annotate", "wd", "a", "note=with blanks"], /annotated?/);
    await expect("annotate wd a note-", /annotated?/);
    await expect("scale wd/a --replicas=3", /widget.clients.example\/a scaled/);
    await refuses("scale wd/a --current-replicas=7 --replicas=2", /Expected replicas to be 7, was 3/i);
    await expect("scale deployment web --replicas=0", /scaled/);
    await expect("get deployment web -o jsonpath={.spec.replicas}", /^0$/);
  });

  test("creates the things it has commands for", async () => {
    await expect("create configmap settings --from-literal=k=v", /configmap\/settings created/);
    await expect("create secret generic token --from-literal=k=v", /secret\/token created/);
    await expect("get secret token -o jsonpath={.data.k}", /^dg==$/);
    await expect("create service clusterip web --tcp=80:8080", /service\/web created/);
    await expect(
      "create quota limit --hard=pods=1",
      /resourcequota\/limit created|doesn't have a resource type|no matches/,
    );
    await expect("create poddisruptionbudget web --selector=app=web --min-available=1", /created/);
    await expect("create deployment made --image=nginx --replicas=2", /deployment.apps\/made created/);
    await expect("create serviceaccount robot", /created/);
    await expect("run single --image=busybox", /pod\/single created/);
    await expect("expose pod single --port=80 --name=exposed", /service\/exposed exposed/);
    await expect("set env deployment/made A=B", /env updated/);
    await expect("set serviceaccount deployment made robot", /updated/);
    await expect("delete all --all", /"web" deleted/);
  });
});

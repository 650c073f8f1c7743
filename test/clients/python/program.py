"""The Python client of Kubernetes, as its users use it: `program.py TEST`, with KUBECONFIG and MACHINE_CRDS set.

A test that fails ends with a traceback and exit code 1.
"""

import base64
import json
import os
import re
import sys
import threading
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import SharedInformer

NAMESPACE = "default"
PATIENCE_S = 30
GROUP = {"group": "cluster.k8s.io", "version": "v1alpha1", "namespace": NAMESPACE, "plural": "machinedeployments"}


def refuses(status, message, call, *args, **kwargs):
    """The call fails with this code and a Status with these words, which is returned."""
    try:
        call(*args, **kwargs)
    except ApiException as error:
        assert error.status == status, f"{error.status} in place of {status}: {error.body}"
        body = json.loads(error.body)
        assert body["kind"] == "Status" and re.search(message, body["message"]), body
        return body
    raise AssertionError(f"expected {status}")


def until(what, holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not after {PATIENCE_S} s"
        time.sleep(0.02)


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {}}


def deployment(name):
    containers = [{"name": "main", "image": "nginx:1"}, {"name": "side", "image": "busybox:1"}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def machine_deployment(name):
    labels = {"pool": name}
    spec = {"providerSpec": {"value": {}}, "versions": {"kubelet": "1.33.0"}}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "cluster.k8s.io/v1alpha1",
        "kind": "MachineDeployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def install_machines():
    custom = client.CustomObjectsApi()
    definitions = {"group": "apiextensions.k8s.io", "version": "v1", "plural": "customresourcedefinitions"}
    for body in json.loads(os.environ["MACHINE_CRDS"]):
        try:
            custom.create_cluster_custom_object(**definitions, body=body)
        except ApiException as error:
            assert error.status == 409, error

    def served():
        try:
            return custom.list_namespaced_custom_object(**GROUP) is not None
        except ApiException:
            return False

    until("Machines to be served", served)
    return custom


def objects():
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    made = core.create_namespaced_config_map(NAMESPACE, {"metadata": {"generateName": "made-"}, "data": {"one": "1"}})
    name = made.metadata.name
    assert re.fullmatch("made-[a-z0-9]{5}", name), name
    made.data = {"two": "2"}
    replaced = core.replace_namespaced_config_map(name, NAMESPACE, made)
    assert replaced.data == {"two": "2"} and replaced.metadata.uid == made.metadata.uid
    conflict = refuses(409, "the object has been modified", core.replace_namespaced_config_map, name, NAMESPACE, made)
    assert conflict["reason"] == "Conflict"
    refuses(409, f'configmaps "{name}" already exists', core.create_namespaced_config_map, NAMESPACE, config_map(name))
    refuses(422, "metadata.name: Invalid value", core.create_namespaced_config_map, NAMESPACE, config_map("Not_A_Name"))

    # The client sends a list as a JSON patch, and an object as a strategic merge patch.
    patched = core.patch_namespaced_config_map(name, NAMESPACE, [{"op": "add", "path": "/data/json", "value": "3"}])
    assert patched.data == {"two": "2", "json": "3"}
    apps.create_namespaced_deployment(NAMESPACE, deployment("web"))
    image = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox:2"}]}}}}
    merged = apps.patch_namespaced_deployment("web", NAMESPACE, image)
    images = {container.name: container.image for container in merged.spec.template.spec.containers}
    assert images == {"main": "nginx:1", "side": "busybox:2"}, images
    scale = apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 0}})
    assert scale.kind == "Scale" and scale.spec.replicas in (0, None)

    secret = core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "s"}, "stringData": {"k": "ü"}})
    assert base64.b64decode(secret.data["k"]).decode() == "ü"
    core.delete_namespaced_config_map(name, NAMESPACE, dry_run="All")
    assert core.read_namespaced_config_map(name, NAMESPACE).metadata.deletion_timestamp is None
    stale = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="another"))
    refuses(409, "the UID in the precondition", core.delete_namespaced_config_map, name, NAMESPACE, body=stale)
    core.delete_namespaced_config_map(name, NAMESPACE)
    missing = refuses(404, "not found", core.read_namespaced_config_map, name, NAMESPACE)
    assert missing["details"] == {"name": name, "kind": "configmaps"}


def pages():
    core = client.CoreV1Api()
    for index in range(25):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{index}", labels={"paged": "yes"}))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="paged=yes", limit=10, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-0-{len(names)}", labels={"paged": "yes"}))
        if not token:
            break
        assert page.metadata.remaining_item_count is None, "a selector leaves no count"
    assert len(names) == 25 and len(set(names)) == 25, "what comes between two pages is not of the list"
    refuses(400, "continue key is not valid", core.list_namespaced_config_map, NAMESPACE, limit=1, _continue="nonsense")
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="paged in (yes),paged!=no")
    assert not core.list_namespaced_config_map(NAMESPACE, label_selector="paged").items


def custom_objects():
    custom = install_machines()
    custom.create_namespaced_custom_object(**GROUP, body=machine_deployment("pool"))
    at = {**GROUP, "name": "pool"}
    status = {"status": {"replicas": 2}, "spec": {"replicas": 9}}
    patched = custom.patch_namespaced_custom_object_status(**at, body=status)
    assert (patched["status"]["replicas"], patched["spec"]["replicas"]) == (2, 1)
    scale = custom.get_namespaced_custom_object_scale(**at)
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["replicas"]) == ("Scale", 1, 2)
    custom.patch_namespaced_custom_object_scale(**at, body={"spec": {"replicas": 3}})
    pool = custom.get_namespaced_custom_object(**at)
    assert (pool["spec"]["replicas"], pool["metadata"]["generation"]) == (3, 2)
    pool["spec"]["replicas"] = "many"
    refuses(422, "spec.replicas: Invalid value", custom.replace_namespaced_custom_object, **at, body=pool)
    assert len(custom.list_namespaced_custom_object(**GROUP)["items"]) == 1
    custom.delete_namespaced_custom_object(**at)
    refuses(404, 'machinedeployments.cluster.k8s.io "pool" not found', custom.get_namespaced_custom_object, **at)


def access():
    core, policy = client.CoreV1Api(), client.PolicyV1Api()
    core.create_namespace({"metadata": {"name": "evictions"}})
    until("the default service account", lambda: core.list_namespaced_service_account("evictions").items)
    labels = {"app": "guarded"}
    spec = {"containers": [{"name": "main", "image": "nginx"}]}
    core.create_namespaced_pod("evictions", {"metadata": {"name": "guarded", "labels": labels}, "spec": spec})
    budget = {"metadata": {"name": "guard"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}}}
    policy.create_namespaced_pod_disruption_budget("evictions", budget)
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    core.patch_namespaced_pod_status("guarded", "evictions", {"status": ready})

    def is_guarded():
        status = policy.read_namespaced_pod_disruption_budget_status("guard", "evictions").status
        return status is not None and status.current_healthy == 1

    until("the budget to know of the pod", is_guarded)
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name="guarded", namespace="evictions"))
    refused = refuses(
        429, "Cannot evict pod", core.create_namespaced_pod_eviction, "guarded", "evictions", eviction
    )
    assert refused["details"]["causes"][0]["reason"] == "DisruptionBudget"
    policy.delete_namespaced_pod_disruption_budget("guard", "evictions")
    core.create_namespaced_pod_eviction("guarded", "evictions", eviction)

    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600))
    token = core.create_namespaced_service_account_token("default", "evictions", request).status.token
    mine = client.Configuration.get_default_copy()
    mine.cert_file = mine.key_file = None
    mine.api_key = {"authorization": f"Bearer {token}"}
    mine.refresh_api_key_hook = None
    robot = client.ApiClient(mine)
    user = client.AuthenticationV1Api(robot).create_self_subject_review({}).status.user_info
    assert user.username == "system:serviceaccount:evictions:default", user
    attributes = {"verb": "list", "resource": "pods", "namespace": "evictions"}

    def can_list(api_client):
        review = {"spec": {"resourceAttributes": attributes}}
        return client.AuthorizationV1Api(api_client).create_self_subject_access_review(review).status.allowed

    assert can_list(client.ApiClient()) and not can_list(robot)
    refuses(403, 'cannot list resource "pods"', client.CoreV1Api(robot).list_namespaced_pod, "evictions")


def dynamic_client():
    install_machines()
    version = client.VersionApi().get_code()
    assert (version.major, version.minor) == ("1", "36"), version
    everything = dynamic.DynamicClient(client.ApiClient())
    pools = everything.resources.get(api_version="cluster.k8s.io/v1alpha1", kind="MachineDeployment")
    assert (pools.namespaced, "scale" in pools.subresources, "status" in pools.subresources) == (True, True, True)
    pools.create(body=machine_deployment("any"), namespace=NAMESPACE)
    maps = everything.resources.get(api_version="v1", kind="ConfigMap")

    def apply(manager, data, force=False):
        body = config_map("applied", data)
        return maps.server_side_apply(
            body=body, namespace=NAMESPACE, field_manager=manager, force_conflicts=force
        )

    assert apply("one", {"a": "1", "b": "1"}).data.to_dict() == {"a": "1", "b": "1"}
    assert apply("one", {"a": "1"}).data.to_dict() == {"a": "1"}
    conflict = refuses(409, 'conflict with "one": .data.a', apply, "two", {"a": "2"})
    assert conflict["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    assert apply("two", {"a": "2"}, True).data.to_dict() == {"a": "2"}
    for kind in ("merge", "strategic-merge"):
        body = {"metadata": {"labels": {"by": kind}}}
        at = {"name": "applied", "namespace": NAMESPACE, "content_type": f"application/{kind}-patch+json"}
        assert maps.patch(body=body, **at).metadata.labels.by == kind
    pools.status.patch(
        body={"status": {"replicas": 4}}, name="any", namespace=NAMESPACE, content_type="application/merge-patch+json"
    )
    assert pools.scale.get(name="any", namespace=NAMESPACE).status.replicas == 4
    events = pools.watch(namespace=NAMESPACE, timeout=2)
    assert [event["type"] for event in events] == ["ADDED"]


def watches():
    core = client.CoreV1Api()
    version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    seen = []
    for name in ("a", "b", "c"):
        core.create_namespaced_config_map(NAMESPACE, config_map(name))
        following = watch.Watch()
        for event in following.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=version):
            seen.append((event["type"], event["object"].metadata.name))
            version = event["object"].metadata.resource_version
            following.stop()
    core.delete_namespaced_config_map("b", NAMESPACE)
    ended = watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, resource_version=version, timeout_seconds=2)
    seen += [(event["type"], event["object"].metadata.name) for event in ended]
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "b")], seen


def informer():
    core = client.CoreV1Api()
    count = 1_000
    for index in range(count // 2):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"m{index}", labels={"followed": "yes"}))
    told = {}

    def tell(kind):
        def handle(item):
            told.setdefault(item.metadata.name, []).append(kind)

        return handle

    follower = SharedInformer(core.list_namespaced_config_map, namespace=NAMESPACE, label_selector="followed=yes")
    for kind in ("ADDED", "MODIFIED", "DELETED"):
        follower.add_event_handler(kind, tell(kind))
    follower.start()

    def write(indexes):
        for index in indexes:
            if index >= count // 2:
                core.create_namespaced_config_map(NAMESPACE, config_map(f"m{index}", labels={"followed": "yes"}))
            if index % 3 == 0:
                core.delete_namespaced_config_map(f"m{index}", NAMESPACE)
            elif index % 3 == 1:
                label = None if index % 2 == 0 else "yes"
                patch = {"metadata": {"labels": {"followed": label}}, "data": {"turn": "1"}}
                core.patch_namespaced_config_map(f"m{index}", NAMESPACE, patch)

    writers = [threading.Thread(target=write, args=(range(part, count, 4),)) for part in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    def versions(items):
        return {item.metadata.name: item.metadata.resource_version for item in items}

    expected = versions(core.list_namespaced_config_map(NAMESPACE, label_selector="followed=yes").items)
    assert len(expected) == sum(1 for index in range(count) if index % 3 == 2 or index % 6 == 1)
    until("the informer to know what the server knows", lambda: versions(follower.cache.list()) == expected)
    follower.stop()
    for name, kinds in told.items():
        assert kinds[0] == "ADDED" and kinds.count("ADDED") == 1 and kinds.count("DELETED") <= 1, (name, kinds)
        assert ("DELETED" in kinds) == (name not in expected), (name, kinds)


TESTS = {test.__name__: test for test in (objects, pages, custom_objects, access, dynamic_client, watches, informer)}

if __name__ == "__main__":
    config.load_kube_config()
    TESTS[sys.argv[1]]()

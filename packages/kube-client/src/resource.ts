import type { KubeObject } from "./object.ts";

declare const objectType: unique symbol;

/** Where a kind is served. The type parameter is the shape of its objects; at run time there is no trace of it. */
export type Resource<T extends KubeObject = KubeObject> = {
  /** `""` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly [objectType]?: T;
};

export function defineResource<T extends KubeObject>(resource: Omit<Resource, typeof objectType>): Resource<T> {
  return resource;
}

/** `v1`, `apps/v1`, … */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** Without a name: the collection; without a namespace: over all namespaces, for collections only. */
export function resourcePath(
  resource: Resource,
  target: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined },
): string {
  const { namespace, name, subresource } = target;
  if (name === "") throw new TypeError(`a ${resource.kind} cannot be addressed without a name`);
  if (resource.namespaced && name !== undefined && !namespace) {
    throw new TypeError(`${resource.kind} ${name} cannot be addressed without a namespace`);
  }
  const parts = resource.group === "" ? ["api", resource.version] : ["apis", resource.group, resource.version];
  if (resource.namespaced && namespace) parts.push("namespaces", namespace);
  parts.push(resource.plural);
  if (name !== undefined) parts.push(name);
  const path = `/${parts.map(encodeURIComponent).join("/")}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

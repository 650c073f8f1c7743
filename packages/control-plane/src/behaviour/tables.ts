/** Asks for Tables, and reads them. */
import type { KubeObject } from "../object.ts";
import { itemsAt } from "./expect.ts";
import type { Answer } from "./world.ts";

export const TABLE =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
/** The columns, those of wide output with an asterisk. */
export function columnsOf({ body }: Answer): string[] {
  return itemsAt(body, "columnDefinitions").map(({ name, priority }) => `${String(name)}${priority === 0 ? "" : "*"}`);
}

export function rowsOf({ body }: Answer): { cells: unknown[]; object?: KubeObject | null }[] {
  return body["rows"] as { cells: unknown[]; object?: KubeObject | null }[];
}

export const AGE = /^(\d+s|<invalid>)$/;

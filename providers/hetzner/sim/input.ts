/** Reads request bodies field by field and collects every problem before anything happens. */
import { HetznerError, invalidInput, type FieldProblem } from "./errors.ts";
import { labelProblems, type Labels } from "./label-selector.ts";

export type Input = {
  text(field: string): string | undefined;
  requiredText(field: string): string;
  /** Where the vendor takes "ID or name": a number counts as its text. */
  idOrName(field: string): string | undefined;
  flag(field: string): boolean | undefined;
  id(field: string): number | undefined;
  ids(field: string): number[];
  idsOrNames(field: string): string[];
  labels(): Labels | undefined;
  /** A nested object; its problems carry `field.` in front and count with these. */
  object(field: string): Input | undefined;
  objects(field: string): Input[];
  reject(field: string, message: string): void;
  /** @throws HetznerError `invalid_input` if there was any problem so far. */
  check(): void;
};

/** @throws HetznerError `json_error` */
export async function readInput(request: Request): Promise<Input> {
  const text = await request.text();
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new HetznerError("json_error", "Invalid JSON input in your request", { cause });
  }
  if (!isObject(body)) throw new HetznerError("json_error", "the request body is not a JSON object");
  return createInput(body, []);
}

function createInput(body: Record<string, unknown>, problems: FieldProblem[], prefix = ""): Input {
  const reject = (field: string, message: string): void => {
    problems.push({ name: prefix + field, message });
  };
  const read = <T>(field: string, expected: string, is: (value: unknown) => value is T): T | undefined => {
    const value = body[field];
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    reject(field, `must be ${expected}`);
    return undefined;
  };
  const readList = <T>(field: string, expected: string, is: (value: unknown) => value is T): T[] =>
    read(field, `a list of ${expected}`, (value): value is T[] => Array.isArray(value) && value.every(is)) ?? [];

  return {
    text: (field) => read(field, "a string", isText),
    requiredText(field) {
      const value = read(field, "a string", isText);
      if (value === undefined || value === "") reject(field, "Missing data for required field.");
      return value ?? "";
    },
    idOrName: (field) => read(field, "an ID or a name", isIdOrName)?.toString(),
    flag: (field) => read(field, "a boolean", (value) => typeof value === "boolean"),
    id: (field) => read(field, "an ID", isId),
    ids: (field) => readList(field, "IDs", isId),
    idsOrNames: (field) => readList(field, "IDs or names", isIdOrName).map(String),
    labels() {
      const labels = read("labels", "an object of strings", isLabels);
      problems.push(...labelProblems(labels ?? {}));
      return labels;
    },
    object(field) {
      const value = read(field, "an object", isObject);
      return value && createInput(value, problems, `${prefix}${field}.`);
    },
    objects: (field) =>
      readList(field, "objects", isObject).map((value, at) => createInput(value, problems, `${prefix}${field}.${at}.`)),
    reject,
    check() {
      const [first, ...rest] = problems;
      if (first !== undefined) throw invalidInput(first, ...rest);
    },
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const isId = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
const isIdOrName = (value: unknown): value is string | number => isText(value) || isId(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isLabels = (value: unknown): value is Labels => isObject(value) && Object.values(value).every(isText);

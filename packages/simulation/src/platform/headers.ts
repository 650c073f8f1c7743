/** `Headers` for worlds: names without regard to case, values checked as the platform checks them. */

const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
// oxlint-disable-next-line no-control-regex -- these are what a header's value may not have
const BAD_VALUE = /[\0\r\n]|[^\0-\u00FF]/;

export type HeadersLike = Iterable<readonly string[]> | Readonly<Record<string, string>>;

export class WorldHeaders {
  readonly #values = new Map<string, string>();

  constructor(init: HeadersLike = {}) {
    if (init instanceof WorldHeaders) {
      // They have been checked.
      for (const [name, value] of init.#values) this.#values.set(name, value);
      return;
    }
    const entries = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name = "", value = ""] of entries as Iterable<readonly string[]>) this.append(name, value);
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(checkedName(name), checkedValue(value));
  }

  append(name: string, value: string): void {
    const key = checkedName(name);
    const before = this.#values.get(key);
    const added = checkedValue(value);
    this.#values.set(key, before === undefined ? added : `${before}, ${added}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  forEach(tell: (value: string, name: string, headers: WorldHeaders) => void): void {
    for (const [name, value] of this) tell(value, name, this);
  }

  entries(): IterableIterator<[string, string]> {
    return this[Symbol.iterator]();
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    yield* [...this.#values].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }
}

function checkedName(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`);
  return name.toLowerCase();
}

/** Without the value in the error, which may be a credential. */
function checkedValue(value: string): string {
  const text = value.trim();
  if (BAD_VALUE.test(text)) throw new TypeError("a header's value has characters that no header takes");
  return text;
}

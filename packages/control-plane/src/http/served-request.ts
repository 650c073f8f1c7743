/** What the server looks at of a request: any `Request`, or what a connection brings without the cost of making one. */

export type ServedRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly body: AsyncIterable<Uint8Array> | null;
  /** The body, where it is at hand as text: reading a stream costs more than most requests do. */
  readonly content?: string | undefined;
};

/** A body that stays the text, or the bytes, that it was made of until somebody reads it as a stream. */

import { Readable } from "node:stream";

export type Content = string | Uint8Array | ReadableStream<Uint8Array> | URLSearchParams | ArrayBuffer | null;

export class WorldBody {
  #content: string | Uint8Array | ReadableStream<Uint8Array> | null;
  #stream: ReadableStream<Uint8Array> | undefined;
  #isRead = false;

  constructor(content: Content | undefined) {
    if (content instanceof URLSearchParams) this.#content = content.toString();
    else if (content instanceof ArrayBuffer) this.#content = new Uint8Array(content);
    else this.#content = content ?? null;
  }

  get body(): ReadableStream<Uint8Array> | null {
    const content = this.#content;
    if (content === null) return null;
    this.#stream ??= content instanceof ReadableStream ? content : streamOf(content);
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#isRead || (this.#stream !== undefined && (this.#stream.locked || wasRead(this.#stream)));
  }

  /** What the body was made of, if that was text. */
  get content(): string | undefined {
    return typeof this.#content === "string" ? this.#content : undefined;
  }

  async text(): Promise<string> {
    const content = this.#take();
    if (typeof content === "string") return content;
    return content === null ? "" : new TextDecoder().decode(await bytesOf(content));
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async bytes(): Promise<Uint8Array> {
    const content = this.#take();
    if (typeof content === "string") return new TextEncoder().encode(content);
    return content === null ? new Uint8Array() : bytesOf(content);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.bytes()).buffer;
  }

  /** A body of its own for a clone; throws TypeError when this one is read already. */
  protected copyContent(): Content {
    if (this.bodyUsed) throw new TypeError("Body is unusable: Body has already been read");
    if (!(this.#content instanceof ReadableStream)) return this.#content;
    const [one, other] = this.#content.tee();
    this.#content = one;
    this.#stream = undefined;
    return other;
  }

  #take(): string | Uint8Array | ReadableStream<Uint8Array> | null {
    if (this.#content === null) return null;
    if (this.bodyUsed) throw new TypeError("Body is unusable: Body has already been read");
    this.#isRead = true;
    return this.#stream ?? this.#content;
  }
}

/** Node tells it of streams of either kind; its types know of one. */
const wasRead = (stream: ReadableStream): boolean => Readable.isDisturbed(stream as unknown as Readable);

function streamOf(content: string | Uint8Array): ReadableStream<Uint8Array> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function bytesOf(content: Uint8Array | ReadableStream<Uint8Array>): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

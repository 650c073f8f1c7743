/**
 * An answer whose body is text at hand. Making a stream of it, only to read it again, costs more than most requests do;
 * so the server sends the text, and only who asks for a `Response` gets a body to read.
 */

export class TextResponse extends Response {
  readonly content: string;

  constructor(content: string, init: ResponseInit) {
    super(null, init);
    this.content = content;
  }
}

/** An answer with the body that everyone expects of one. */
export function withBody(answer: Response): Response {
  if (!(answer instanceof TextResponse)) return answer;
  return new Response(answer.content, { status: answer.status, headers: answer.headers });
}

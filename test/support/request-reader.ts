const HEAD_END = '\r\n\r\n';

/** Cuts what a client sends over a connection into HTTP requests; tells those that have a body. */
export class RequestReader {
  #bytes = Buffer.alloc(0);

  constructor(private readonly onRequest: (request: Buffer) => void) {}

  push(piece: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    for (;;) {
      const headEnd = this.#bytes.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const head = this.#bytes.subarray(0, headEnd).toString('latin1');
      const body = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      const end = headEnd + HEAD_END.length + body;
      if (this.#bytes.length < end) return;
      if (body > 0) this.onRequest(Buffer.from(this.#bytes.subarray(0, end)));
      this.#bytes = Buffer.from(this.#bytes.subarray(end));
    }
  }
}

import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { AUTHORIZATION } from './inspected-apps.js';

/** Server-sent events, one after the other, over a connection of their own that ends with them. */
export class EventStream {
  readonly #chunks: AsyncIterator<string>;
  #text = '';

  private constructor(private readonly response: IncomingMessage) {
    this.#chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
  }

  /** Asks for it as the guard of an inspected application wants it. */
  static async open(url: string): Promise<EventStream> {
    const headers = { authorization: AUTHORIZATION };
    const sent = request(url, { agent: false, headers }).end();
    const [response]: IncomingMessage[] = await once(sent, 'response');
    if (response === undefined) throw new Error('There is no response.');
    return new EventStream(response);
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get type(): string | undefined {
    return this.response.headers['content-type'];
  }

  /** The next event and its JSON; undefined when the stream has ended or was cut. */
  async next(): Promise<{ event: string; data: unknown } | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const lines = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const [, event = '', data = 'null'] = /^event: (.*)\ndata: (.*)$/.exec(lines) ?? [];
        return { event, data: JSON.parse(data) };
      }
      try {
        const { done, value } = await this.#chunks.next();
        if (done === true) return undefined;
        this.#text += value;
      } catch {
        return undefined;
      }
    }
  }

  close(): void {
    this.response.destroy();
  }
}

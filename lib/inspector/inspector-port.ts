import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListenFailedError } from '../index.js';
import { send } from './answer.js';
import type { InspectorPages } from './inspector-pages.js';
import { isForLoopback } from './same-origin.js';

const TEXT = 'text/plain; charset=utf-8';

/** @internal */
export interface InspectorPortOptions {
  readonly host: string;
  readonly port: number;
  /** The path of the inspector. */
  readonly path: string;
}

/** A server for this machine alone, which nothing of the application reaches. @internal */
export class InspectorPort {
  private constructor(
    private readonly server: Server,
    /** The URL, path included. */
    readonly url: string,
  ) {}

  /** @throws {HC_LISTEN_FAILED} */
  static async open(pages: InspectorPages, options: InspectorPortOptions): Promise<InspectorPort> {
    const { host, port, path } = options;
    const server = createServer((request, response) => route(pages, path, request, response));
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new ListenFailedError(host, port, cause));
      server.once('error', fail).listen(port, host, () => {
        server.off('error', fail);
        resolve();
      });
    });
    const { address, port: taken, family } = server.address() as AddressInfo;
    const name = family === 'IPv6' ? `[${address}]` : address;
    return new InspectorPort(server, `http://${name}:${taken}${path}`);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}

function route(
  pages: InspectorPages,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const refuse = (status: number, body: string, headers = {}): void =>
    send(response, { status, type: TEXT, body, headers });
  if (!isForLoopback(request)) return refuse(403, 'Open it as localhost.');
  const [asked = ''] = (request.url ?? '/').split('?', 1);
  if (asked === '/') return refuse(302, '', { location: path });
  const below = asked.slice(path.length);
  const depth = below.split('/').filter((segment) => segment !== '').length;
  const isOurs = asked.startsWith(path) && (below === '' || below.startsWith('/')) && depth <= 2;
  const isKnown = depth === 2 && below.startsWith('/actions/') ? ['POST'] : ['GET', 'HEAD'];
  if (!isOurs || !isKnown.includes(request.method ?? '')) return refuse(404, 'Not found.');
  void pages.answer(request, response, depth);
}

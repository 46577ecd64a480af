import type { OutgoingHttpHeaders } from 'node:http';

/** The part of Node's response that both platforms offer. @internal */
export interface RawResponse {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  statusCode: number;
  getHeaders(): OutgoingHttpHeaders;
  getHeader(name: string): OutgoingHttpHeaders[string];
  setHeader(name: string, value: string | number | readonly string[]): unknown;
  removeHeader(name: string): unknown;
  end(): unknown;
  once(event: 'finish' | 'close', listener: () => void): unknown;
  off(event: 'finish' | 'close', listener: () => void): unknown;
}

/** A client that does not read its answer delays others by at most this time. */
const PATIENCE_MS = 1000;

/**
 * Resolves once a response is sent or its client has disconnected; or after a second, once there is no more to send.
 *
 * @internal
 */
export function sent(response: RawResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.writableFinished || response.destroyed) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      response.off('finish', done);
      response.off('close', done);
      resolve();
    };
    // An answer that is still being written must not be cut off.
    const timer = setTimeout(() => response.writableEnded && done(), PATIENCE_MS).unref();
    response.once('finish', done);
    response.once('close', done);
  });
}

/**
 * From here on, nothing reaches the client, and the headers are only those set from now on. A handler that answers by hand is
 * detected by `headersSent`. Otherwise Node would end the process for a write after the end.
 *
 * @internal
 */
export function detach(response: RawResponse, status: number): void {
  const headers = new Map<string, string | number | string[]>();
  let hasAnswered = false;
  const answer = (): RawResponse => {
    hasAnswered = true;
    return response;
  };
  const append = (name: string, value: string | readonly string[]): RawResponse => {
    const present = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), [...listOf(present), ...listOf(value)]);
    return response;
  };
  const replacements = {
    setHeader: (name: string, value: string | number | string[]) => {
      headers.set(name.toLowerCase(), value);
      return response;
    },
    appendHeader: append,
    getHeader: (name: string) => headers.get(name.toLowerCase()),
    getHeaders: () => Object.fromEntries(headers),
    getHeaderNames: () => Array.from(headers.keys()),
    hasHeader: (name: string) => headers.has(name.toLowerCase()),
    removeHeader: (name: string) => void headers.delete(name.toLowerCase()),
    writeHead: answer,
    write: () => answer() === response,
    end: answer,
    flushHeaders: () => void answer(),
    destroy: answer,
  };
  for (const [name, value] of Object.entries(replacements)) {
    Object.defineProperty(response, name, { value, configurable: true, writable: true });
  }
  Object.defineProperty(response, 'headersSent', { get: () => hasAnswered, configurable: true });
  response.statusCode = status;
}

function listOf(value: string | number | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'object' ? value.slice() : [String(value)];
}

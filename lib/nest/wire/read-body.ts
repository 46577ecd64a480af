import type { IncomingMessage } from 'node:http';
import { BodyTooLargeError, ContentTypeError, InvalidRequestError } from '../../common/errors.js';
import { SYNC_CONTENT_TYPE } from '../../http/answer.js';
import { bodyHeaders } from './body-claim.js';
import { assertPromised } from '../../http/promised-body.js';
import { rawRequest } from '../../http/raw-exchange.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The fields of a JSON body; none when there is no body.
 *
 * @throws {HC_BODY_TOO_LARGE | HC_CONTENT_TYPE | HC_REQUEST_INVALID | HC_UNAUTHORIZED}
 * @internal
 */
export async function readFields(
  request: unknown,
  maxBytes: number,
): Promise<Record<string, unknown>> {
  const raw = rawRequest(request);
  const parsed = parsedByHost(request);
  const content = parsed === undefined ? await collect(raw, maxBytes) : parsed;
  assertPromised(raw, content);
  if (!Buffer.isBuffer(content)) return fieldsOf(content);
  if (content.length === 0) return {};
  assertType(raw, 'application/json');
  return fieldsOf(parse(content));
}

/**
 * The body of a request between nodes.
 *
 * @throws {HC_BODY_TOO_LARGE | HC_CONTENT_TYPE | HC_REQUEST_INVALID | HC_UNAUTHORIZED}
 * @internal
 */
export async function readBytes(request: unknown, maxBytes: number): Promise<Buffer> {
  const raw = rawRequest(request);
  assertType(raw, SYNC_CONTENT_TYPE);
  const parsed = parsedByHost(request);
  const content = parsed === undefined ? await collect(raw, maxBytes) : parsed;
  assertPromised(raw, content);
  if (!Buffer.isBuffer(content)) throw new ContentTypeError(SYNC_CONTENT_TYPE);
  return content;
}

/** The value that a body parser of the host made of the body, if it ran before us; a text as its bytes. */
function parsedByHost(request: unknown): unknown {
  if (!rawRequest(request).readableDidRead) return undefined;
  const body: unknown = Reflect.get(Object(request), 'body');
  if (typeof body === 'string') return Buffer.from(body);
  if (body !== undefined && body !== null) return body;
  throw new InvalidRequestError(
    'The host application has read the body and kept it.',
    'Remove its middleware from the path of the API, or set the option listen.',
  );
}

async function collect(raw: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { contentLength = 0 } = bodyHeaders(raw);
  if (contentLength > maxBytes) throw new BodyTooLargeError(maxBytes);
  // Its end event has already passed, and no listener received it.
  if (raw.destroyed) throw cutShort();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (finish: () => void): void => {
      raw.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      raw.pause();
      settle(() => reject(new BodyTooLargeError(maxBytes)));
    };
    const onEnd = (): void => {
      const [first] = chunks;
      const isOne = chunks.length === 1 && first !== undefined;
      settle(() => resolve(isOne ? first : Buffer.concat(chunks, bytes)));
    };
    const onGone = (): void => settle(() => reject(cutShort()));
    raw.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function cutShort(): InvalidRequestError {
  return new InvalidRequestError('The body ended too early.', 'Send all of it.');
}

function assertType(raw: IncomingMessage, wanted: string): void {
  const { contentType = '', contentEncoding = 'identity' } = bodyHeaders(raw);
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const isUtf8 = parameters.every((parameter) => !/charset=(?!"?utf-?8)/.test(parameter));
  if (type.trim() !== wanted || !isUtf8 || contentEncoding !== 'identity') {
    throw new ContentTypeError(wanted);
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    // The cause would show the content of the body.
    throw new InvalidRequestError('The body is no JSON.', 'Send a JSON object in UTF-8.');
  }
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>;
  }
  throw new InvalidRequestError('The body is no object.', 'Send a JSON object in UTF-8.');
}

import { createHash } from 'node:crypto';
import type { ExecutionContext } from '@nestjs/common';
import type { ResolvedIdempotentOptions } from './idempotent-options.js';
import { IdempotencyProblem } from './problem.js';

/** The part of a request that we read, on Express and on Fastify. @internal */
export interface RequestLike {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Each header line separately, where the platform has joined them. */
  readonly rawHeaders?: readonly string[];
  readonly raw?: { readonly rawHeaders?: readonly string[] };
  readonly body?: unknown;
}

const MAX_KEY_LENGTH = 255;

/**
 * The key of a request; undefined when it has none.
 *
 * @throws {IdempotencyProblem} 400
 * @internal
 */
export function keyOf(request: RequestLike, header: string): string | undefined {
  const name = header.toLowerCase();
  const given = request.headers[name];
  if (given === undefined) return undefined;
  const raw = request.raw?.rawHeaders ?? request.rawHeaders ?? [];
  const lines = raw.filter((line, i) => i % 2 === 0 && line.toLowerCase() === name).length;
  if (typeof given !== 'string' || lines > 1) throw new IdempotencyProblem('key_invalid');
  // A string of RFC 9651, or the bare key.
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(given)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  const key = quoted ?? given;
  if (key.length > MAX_KEY_LENGTH || !/^[\x21-\x7e]+$/.test(key)) {
    throw new IdempotencyProblem('key_invalid');
  }
  return key;
}

/** The key under which an answer is stored: of one route, one scope and one idempotency key. @internal */
export function entryKeyOf(
  context: ExecutionContext,
  request: RequestLike,
  key: string,
  { scope }: ResolvedIdempotentOptions,
): string {
  const { authorization } = request.headers;
  const own = scope === undefined ? textOf(authorization) : (scope(context) ?? '');
  const route = `${context.getClass().name}.${context.getHandler().name}`;
  return digest([route, request.method, own, key]);
}

/** The fingerprint that must be the same when a key is used again. @internal */
export function fingerprintOf(
  context: ExecutionContext,
  request: RequestLike,
  { fingerprint }: ResolvedIdempotentOptions,
): string {
  if (fingerprint === false) return '';
  if (fingerprint !== undefined) return digest(['own', fingerprint(context)]);
  const { method, url, originalUrl = url, body } = request;
  return digest([method, originalUrl, canonical(body)]);
}

/** Different lists of parts always differ: JSON separates the parts. */
function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** JSON whose fields are sorted by name. */
function canonical(value: unknown): string {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString('base64')}`;
  return JSON.stringify(value, inOrder) ?? '';
}

function inOrder(_name: string, part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function textOf(header: string | string[] | undefined): string {
  return header === undefined ? '' : String(header);
}

import { HttpException } from '@nestjs/common';
import type { Served } from '../../cache/factory-run.js';
import { milliseconds } from '../../common/duration.js';
import type { HttpCacheOptions } from './http-cache.options.js';
import type { HttpResponse } from './http-response.js';

/** The result of a request. @internal */
export interface Outcome {
  readonly is: 'HIT' | 'MISS' | 'STALE' | 'BYPASS';
  /** The rest of the member of `Cache-Status`: RFC 9211. */
  readonly parameters: string;
}

/** @internal */
export const bypassed = (detail: string): Outcome => ({
  is: 'BYPASS',
  parameters: `fwd=bypass; detail=${detail}`,
});

/** @internal */
export const missed = (rest: string): Outcome => ({
  is: 'MISS',
  parameters: `fwd=uri-miss; ${rest}`,
});

/** The result for an answer from the cache, and why it is served when it is stale. @internal */
export function outcomeOf(
  { reason, error }: Served,
  secondsLeft: number,
  isStale: boolean,
): Outcome {
  if (!isStale) {
    return { is: 'HIT', parameters: secondsLeft === Infinity ? 'hit' : `hit; ttl=${secondsLeft}` };
  }
  if (reason === 'error') {
    return { is: 'STALE', parameters: `fwd=stale; fwd-status=${statusOf(error)}` };
  }
  const isLate = reason === 'timeout';
  return {
    is: 'STALE',
    parameters: isLate ? 'fwd=stale; detail=timeout' : `hit; ttl=${secondsLeft}`,
  };
}

/** @internal */
export function tellOutcome(
  response: HttpResponse,
  { statusHeader = 'both' }: HttpCacheOptions,
  { is, parameters }: Outcome,
): void {
  if (statusHeader === false || response.hasAnswered) return;
  if (statusHeader !== 'x-cache') response.set('Cache-Status', `hypercache; ${parameters}`);
  if (statusHeader !== 'cache-status') response.set('X-Cache', is);
}

/**
 * The `Cache-Control` of stored answers for which the handler has set none.
 *
 * @param secondsLeft Infinity when the entry never ends: then clients ask each time whether it is still valid
 * @internal
 */
export function cacheControlOf(
  { cacheControl = 'auto', scope, stale, grace }: HttpCacheOptions,
  secondsLeft: number,
): string | undefined {
  if (cacheControl === false) return undefined;
  if (cacheControl !== 'auto') return cacheControl;
  const audience = scope === 'public' ? 'public' : 'private';
  if (secondsLeft === Infinity) return `${audience}, no-cache`;
  return `${audience}, max-age=${Math.max(0, secondsLeft)}${windowOf('stale-while-revalidate', stale)}${windowOf('stale-if-error', grace)}`;
}

/** RFC 5861. */
function windowOf(directive: string, duration: unknown): string {
  const ms = Number(milliseconds(duration) ?? 0);
  return ms >= 1000 ? `, ${directive}=${Math.floor(ms / 1000)}` : '';
}

function statusOf(error: unknown): number {
  return error instanceof HttpException ? error.getStatus() : 500;
}

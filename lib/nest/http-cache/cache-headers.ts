import type { HttpCacheOptions } from './http-cache.options.js';
import type { HttpResponse } from './http-response.js';

/** What became of a request. @internal */
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

/** @internal */
export const hit = (secondsLeft: number): Outcome => ({
  is: secondsLeft < 0 ? 'STALE' : 'HIT',
  parameters: secondsLeft === Infinity ? 'hit' : `hit; ttl=${secondsLeft}`,
});

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
 * For answers that are stored, where the handler has said nothing.
 *
 * @param secondsLeft Infinity when the entry never ends: then clients ask each time whether it still holds
 * @internal
 */
export function cacheControlOf(
  { cacheControl = 'auto', scope }: HttpCacheOptions,
  secondsLeft: number,
): string | undefined {
  if (cacheControl === false) return undefined;
  if (cacheControl !== 'auto') return cacheControl;
  const audience = scope === 'public' ? 'public' : 'private';
  if (secondsLeft === Infinity) return `${audience}, no-cache`;
  return `${audience}, max-age=${Math.max(0, secondsLeft)}`;
}

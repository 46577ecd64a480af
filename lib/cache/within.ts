import { AsyncResource } from 'node:async_hooks';

/** The time was over first. @internal */
export const LATE = Symbol('late');
/** The signal came first. @internal */
export const GONE = Symbol('gone');

/** Timers belong to no caller, who would be kept in memory by them. */
const scope = new AsyncResource('HyperCacheTimer');

/** A timer in the context of no caller, which holds no process. @internal */
export function startTimer(ms: number, ring: () => void): NodeJS.Timeout {
  return scope.runInAsyncScope(() => setTimeout(ring, ms)).unref();
}

/**
 * Resolves or rejects as a promise does, unless its time is over or the signal comes first.
 *
 * @internal
 */
export function within<T>(
  coming: Promise<T>,
  ms: number | undefined,
  signal?: AbortSignal,
): Promise<T | typeof LATE | typeof GONE> {
  if (ms === undefined && signal === undefined) return coming;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => resolve(GONE));
    const timer = ms === undefined ? undefined : startTimer(ms, () => settle(() => resolve(LATE)));
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    coming.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

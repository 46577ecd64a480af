import { AsyncResource } from 'node:async_hooks';

/** The time was over first. @internal */
export const LATE = Symbol('late');
/** The signal aborted first. @internal */
export const GONE = Symbol('gone');

/** Timers belong to no caller, because they would keep that caller in memory. */
const scope = new AsyncResource('HyperCacheTimer');

/** A timer in the context of no caller, which does not keep the process alive. @internal */
export function startTimer(ms: number, ring: () => void): NodeJS.Timeout {
  return scope.runInAsyncScope(() => setTimeout(ring, ms)).unref();
}

/**
 * Settles as a promise does, unless its time is over or the signal aborts first.
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

/**
 * A value that is available immediately, or a promise of it. The receiver pays for a promise only when there is one.
 *
 * @internal
 */
export type Awaitable<T> = T | Promise<T>;

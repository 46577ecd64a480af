/**
 * Where HyperCache writes its few lines. Nest's `Logger` fits.
 *
 * @publicApi
 */
export interface HyperCacheLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** @internal */
export const silentLogger: HyperCacheLogger = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

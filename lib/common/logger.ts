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

/**
 * Wraps an application's logger that may throw: no operation fails because of it, and one warning reports it.
 *
 * @internal
 */
export function guardedLogger(logger: HyperCacheLogger): HyperCacheLogger {
  let isTold = false;
  const guard =
    (level: 'log' | 'warn' | 'error') =>
    (message: string): void => {
      try {
        logger[level](message);
      } catch (error) {
        if (isTold) return;
        isTold = true;
        process.emitWarning(
          `The logger of HyperCache has failed: ${String(error)}`,
          'HyperCacheWarning',
        );
      }
    };
  return { log: guard('log'), warn: guard('warn'), error: guard('error') };
}

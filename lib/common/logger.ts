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
 * An application's logger that may throw: nothing that writes a line fails because of that. It is warned of once.
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

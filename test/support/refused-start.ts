import type { HyperCacheOptions } from '../../lib/node/options.js';
import { InvalidOptionsError, type OptionProblem } from '../../lib/common/errors.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import type { NestApps } from './nest-apps.js';

/** What keeps an application with these options from starting. */
export async function refusal(apps: NestApps, options: unknown): Promise<Error> {
  const starting = apps.context({
    imports: [HyperCacheModule.forRoot(options as HyperCacheOptions)],
  });
  return starting.then(
    () => {
      throw new Error('The application started.');
    },
    (error: Error) => error,
  );
}

/** All that is wrong with these options. */
export async function problemsOf(
  apps: NestApps,
  options: object,
): Promise<readonly OptionProblem[]> {
  const error = await refusal(apps, { sqlitePath: apps.directory(), ...options });
  if (error instanceof InvalidOptionsError) return error.problems;
  throw error;
}

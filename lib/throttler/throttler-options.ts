import { InvalidOptionsError, type OptionProblem } from '../index.js';

/** How requests are counted. @publicApi */
export interface HyperCacheThrottlerOptions {
  /**
   * What happens to a request that cannot be decided, because the primary is unreachable or its file fails. `'local'` counts it
   * in the memory of this process until the primary is back, `'allow'` lets it pass, `'reject'` answers 503.
   *
   * @default 'local'
   */
  onUnavailable?: 'local' | 'allow' | 'reject' | undefined;
  /**
   * With `'sliding'`, each request counts for the ttl, as with the storage of `@nestjs/throttler`. With `'fixed'`, the requests
   * of a period end together with it, and take less room.
   *
   * @default 'sliding'
   */
  window?: 'sliding' | 'fixed' | undefined;
}

/** @internal */
export type ResolvedThrottlerOptions = Required<{
  [name in keyof HyperCacheThrottlerOptions]: NonNullable<HyperCacheThrottlerOptions[name]>;
}>;

/** @internal */
export const THROTTLER_OPTIONS = Symbol('HyperCacheThrottlerOptions');

/** @internal */
export const DEFAULTS: ResolvedThrottlerOptions = { onUnavailable: 'local', window: 'sliding' };

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  onUnavailable: ['local', 'allow', 'reject'],
  window: ['sliding', 'fixed'],
};

/** @throws {HC_OPTIONS_INVALID} with all problems at once @internal */
export function resolveThrottlerOptions(
  given: HyperCacheThrottlerOptions,
): ResolvedThrottlerOptions {
  const problems: OptionProblem[] = [];
  for (const [name, value] of Object.entries(Object(given))) {
    const option = `HyperCacheThrottlerModule.forRoot({ ${name} })`;
    const choices = CHOICES[name];
    if (choices === undefined) {
      const instead = `there are ${Object.keys(CHOICES).join(' and ')}`;
      problems.push({ option, value: 'not an option', instead });
    } else if (value !== undefined && !choices.includes(value)) {
      problems.push({ option, value: JSON.stringify(value), instead: `use ${anyOf(choices)}` });
    }
  }
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return {
    onUnavailable: given.onUnavailable ?? DEFAULTS.onUnavailable,
    window: given.window ?? DEFAULTS.window,
  };
}

function anyOf(choices: readonly unknown[]): string {
  return choices.map((choice) => `'${String(choice)}'`).join(' or ');
}

import type { PolicyOptions } from '../cache/policy.js';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import { keptNamespace } from '../common/kept-namespace.js';
import { isText } from '../node/option-kinds.js';
import type { HyperCacheOptions } from '../node/options.js';
import { OPTION_NAMES, resolveOptions } from '../node/resolve-options.js';
import { unknownNames } from '../node/unknown-names.js';
import type {
  HyperCacheAsyncOptions,
  HyperCacheFeatureOptions,
} from './hyper-cache.module-definition.js';

/** The options that Nest needs before a factory can run. */
const BESIDE_FACTORY = ['isGlobal', 'controllerDecorators'] as const;

const FEATURE_NAMES = ['name', 'ttl', 'namespace', 'wrap', 'evict'];

/**
 * Checks the options that are given next to a factory.
 *
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function checkBesideFactory({
  isGlobal,
  controllerDecorators,
  ...others
}: HyperCacheAsyncOptions): void {
  resolveOptions({ isGlobal, controllerDecorators }, {});
  refuse(
    Object.keys(others)
      .filter((name) => OPTION_NAMES.includes(name))
      .map((option) => ({
        option,
        value: 'given next to the factory of forRootAsync()',
        instead: 'return it from the factory',
      })),
  );
}

/**
 * Checks what a factory has returned. `forRoot` has already taken out the options that would come too late.
 *
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function checkReturned(options: HyperCacheOptions | undefined): void {
  refuse(
    BESIDE_FACTORY.filter((option) => options?.[option] !== undefined).map((option) => ({
      option,
      value: 'returned by the factory of forRootAsync()',
      instead: 'write it next to useFactory, useClass or useExisting',
    })),
  );
}

/**
 * @returns the options, with the namespace of the entries
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function checkedFeature(given: HyperCacheFeatureOptions): {
  name: string;
  namespace: string;
  ttl: number | undefined;
  wrap: PolicyOptions | undefined;
} {
  const {
    name,
    ttl,
    wrap,
    namespace: base = name,
    evict = true,
  } = Object(given) as HyperCacheFeatureOptions;
  const namespace = evict === false && isText(base) ? keptNamespace(base) : base;
  refuse([
    ...(isText(name) && isText(namespace)
      ? []
      : [
          {
            option: 'forFeature({ name, namespace })',
            value: 'not a non-empty string',
            instead: "write a name, such as forFeature({ name: 'sessions' })",
          },
        ]),
    ...(typeof evict === 'boolean'
      ? []
      : [{ option: 'forFeature({ evict })', value: 'no boolean', instead: 'use true or false' }]),
    ...unknownNames(Object(given), FEATURE_NAMES, (option) => `forFeature({ ${option} })`),
  ]);
  const resolved = resolveOptions({ namespace, ttl, wrap }, {});
  return {
    name,
    namespace,
    ttl: ttl === undefined ? undefined : resolved.ttl,
    wrap: wrap === undefined ? undefined : resolved.wrap,
  };
}

function refuse(problems: readonly OptionProblem[]): void {
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}

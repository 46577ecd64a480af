import { milliseconds, type Duration } from '../common/duration.js';
import { InvalidArgumentError } from '../common/errors.js';
import { assertPolicy, endlessWindow, isEndless, windowOf, type PolicyOptions } from './policy.js';
import type { WrapOptions } from './wrap-options.js';

/** Policies by name. @internal */
export type NamedPolicies = Readonly<Record<string, PolicyOptions>>;

const NOTHING: WrapOptions = Object.freeze({});

/**
 * What `wrap` uses for what a call leaves out: a policy that the call names, then the cache's own policy, then the node's.
 *
 * @internal
 */
export class Presets {
  /** Undefined when there is none: then the options of a call are used unchanged. */
  readonly #byDefault: PolicyOptions | undefined;

  constructor(
    private readonly named: NamedPolicies,
    ...byDefault: readonly (PolicyOptions | undefined)[]
  ) {
    const merged = byDefault.reduce<PolicyOptions>(
      (below, above) => (above === undefined ? below : over(below, above)),
      {},
    );
    this.#byDefault = Object.keys(merged).length === 0 ? undefined : merged;
  }

  /** The presets of a cache with its own policy. */
  with(own: PolicyOptions): Presets {
    return new Presets(this.named, this.#byDefault, own);
  }

  /**
   * Returns the options that a call means.
   *
   * @param given its options, a ttl, or the name of a policy
   * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
   */
  resolve(given: WrapOptions | Duration | string | undefined, defaultTtlMs: number): WrapOptions {
    if (given === undefined) return this.#byDefault ?? NOTHING;
    const options = typeof given === 'object' && given !== null ? given : this.#read(given);
    assertPolicy(options);
    const { policy } = options;
    if (policy === undefined && this.#byDefault === undefined) {
      this.#assertEnd(options, options, defaultTtlMs);
      return options;
    }
    let merged: WrapOptions = this.#byDefault ?? NOTHING;
    if (policy !== undefined) merged = over(merged, this.#policy(policy));
    merged = over(merged, options);
    assertPolicy({ ...merged, stale: undefined, grace: undefined });
    this.#assertEnd(options, merged, defaultTtlMs);
    return merged;
  }

  /** The names that a call may give. */
  get names(): readonly string[] {
    return Object.keys(this.named);
  }

  /** A string that is not a duration is the name of a policy. */
  #read(given: unknown): WrapOptions {
    if (typeof given === 'string' && given !== '' && typeof milliseconds(given) === 'string') {
      if (Object.hasOwn(this.named, given) || !/^[-\d]/.test(given)) return { policy: given };
    }
    return { ttl: given as Duration };
  }

  /** A caller's own window needs an end at which to begin. */
  #assertEnd(own: WrapOptions, { ttl }: WrapOptions, defaultTtlMs: number): void {
    if (own.stale === undefined && own.grace === undefined) return;
    if (isEndless(ttl ?? defaultTtlMs) && windowOf(own) > 0) throw endlessWindow();
  }

  #policy(name: unknown): PolicyOptions {
    const found =
      typeof name === 'string' && Object.hasOwn(this.named, name) ? this.named[name] : undefined;
    if (found !== undefined) return found;
    throw new InvalidArgumentError(
      `There is no policy '${String(name).slice(0, 80)}'.`,
      `${policyHint(this.names)}.`,
    );
  }
}

/** What to write for an unknown name. @internal */
export function policyHint(known: readonly string[]): string {
  return known.length === 0
    ? "Define it: HyperCacheModule.forRoot({ policies: { name: { ttl: '1m', stale: '5m' } } })"
    : `Use one of ${known.join(', ')}, or define it in forRoot({ policies })`;
}

/** Given fields win; of the two ways to refresh early, the given one wins. @internal */
export function over<T extends PolicyOptions>(below: PolicyOptions, above: T): T {
  const merged: Record<string, unknown> = { ...below };
  if (above.eager !== undefined) delete merged['refreshThreshold'];
  if (above.refreshThreshold !== undefined) delete merged['eager'];
  for (const [name, value] of Object.entries(above)) {
    if (value !== undefined) merged[name] = value;
  }
  return merged as T;
}

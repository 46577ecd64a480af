import type { HyperCachePolicies } from './policy-names.js';
import { milliseconds, type Duration } from '../common/duration.js';
import { InvalidArgumentError, InvalidTtlError } from '../common/errors.js';
import { MAX_TIMER_MS } from '../common/limits.js';

/**
 * How `wrap` keeps what a factory makes, and what it does when a value is no longer fresh. Both windows, `stale` and `grace`,
 * begin where the ttl ends. The entry was stored with windows, and a caller may ask for others: the smaller ones count.
 *
 * @publicApi
 */
export interface WrapPolicy<T = unknown> {
  /**
   * How long the entry is fresh, in ms, as a duration, or as a function of the value; 0 means no expiry.
   *
   * @default the cache's ttl
   */
  ttl?: Duration | ((value: T) => Duration | undefined) | undefined;
  /**
   * For this long after the ttl, `wrap` returns the stale value at once, and one node refreshes it in the background.
   *
   * @default 0
   */
  stale?: Duration | undefined;
  /** For this long after the ttl, `wrap` returns the stale value if the factory fails or is late. @default 0 */
  grace?: Duration | undefined;
  /**
   * For which failures the stale value is served; the caller receives the others. @default all; in a Nest application all but
   * an `HttpException` below 500, because a 404 is an answer
   */
  graceOn?: ((error: unknown) => boolean) | undefined;
  /**
   * For this long after a refresh has failed, no node calls the factory for that entry again; at most as long as the entry is
   * kept. A write, `expire` and `fresh` end this pause. @default 10_000
   */
  retryAfter?: Duration | undefined;
  /** How long to wait for the factory when there is a stale value in `grace`; 0 does not wait. @default as long as it takes */
  softTimeout?: Duration | undefined;
  /**
   * How long to wait for the factory at most. After that the caller receives a stale value in `grace` if there is one, or
   * `HC_FACTORY_TIMEOUT`. At least `softTimeout`. @default 5 minutes
   */
  timeout?: Duration | undefined;
  /** Whether a factory that is too late continues and its value is stored, or it is aborted. @default 'continue' */
  onTimeout?: 'continue' | 'abort' | undefined;
  /** Above 0, below 1: a hit after this share of the ttl starts the factory in the background. @default none */
  eager?: number | undefined;
  /** With less than this many ms left, a hit starts the factory in the background. Not with `eager`. @default none */
  refreshThreshold?: number | ((value: T) => number) | undefined;
  /** From 0 to 1: the ttl is shortened at random by up to this share, so that entries made together end apart. @default 0 */
  jitter?: number | undefined;
  /**
   * How long callers of this node receive a failure again without a call of the factory, when there was nothing to serve.
   *
   * @default 0
   */
  errorTtl?: Duration | undefined;
  /** Names by which `delByTag` and `expireByTag` find the entry; at most 64. */
  tags?: readonly string[] | undefined;
}

/** How one call of `wrap` is served. @publicApi */
export interface WrapOptions<T> extends WrapPolicy<T> {
  /** The name of a policy in `forRoot({ policies })`; fields given with it win. */
  policy?: PolicyName | undefined;
  /** This caller's signal: when it aborts, the call rejects with its reason, and the factory continues for other callers. */
  signal?: AbortSignal | undefined;
  /**
   * Calls the factory although there is a value. It never joins a call that has begun, which may have read before this
   * caller's write. @default false
   */
  fresh?: boolean | undefined;
}

/** The name of a policy that the application has declared in `HyperCachePolicies`. @publicApi */
export type PolicyName = keyof HyperCachePolicies & string;

/** What a factory receives. @publicApi */
export interface WrapContext<T> {
  readonly key: string;
  /** Aborts when the value is no longer wanted: by `onTimeout: 'abort'`, when all callers have left, or when the node closes. */
  readonly signal: AbortSignal;
  /**
   * Why it is called: nothing was there, a refresh in the background, a refresh that a caller waits for, or a caller's
   * `fresh`.
   */
  readonly reason: 'miss' | 'stale' | 'eager' | 'grace' | 'fresh';
  /** The value that was there, and since when it is stale (Unix ms). */
  readonly stale: { readonly value: T; readonly staleSince: number } | undefined;
  /** Overrides how this value is stored. @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID} also when the factory has ended */
  set(
    options: Pick<WrapPolicy<T>, 'stale' | 'grace' | 'tags'> & { ttl?: Duration | undefined },
  ): void;
  /** The callers receive what the factory returns, but it is not stored; an older entry stays. */
  skip(): void;
  /**
   * Returns the value that was there, for the factory to return: it is stored again, with new windows.
   *
   * @throws {HC_ARGUMENT_INVALID} there was none
   */
  unchanged(): T;
}

/** The policy that `wrap` uses, whatever the type of the values. @internal */
export type PolicyOptions = Readonly<WrapPolicy<never>>;

/** The names of all fields of a policy. @internal */
export const POLICY_FIELDS = [
  'ttl',
  'stale',
  'grace',
  'graceOn',
  'retryAfter',
  'softTimeout',
  'timeout',
  'onTimeout',
  'eager',
  'refreshThreshold',
  'jitter',
  'errorTtl',
  'tags',
] as const satisfies readonly (keyof PolicyOptions)[];

/** The longest window: ECMAScript's last instant. */
const MAX_WINDOW_MS = 8.64e15;

/** How long an entry is kept after its ttl. @internal */
export type Windows = Pick<PolicyOptions, 'stale' | 'grace'>;

/** The longer of both, in ms. @throws {HC_ARGUMENT_INVALID} @internal */
export function windowOf({ stale, grace }: Windows): number {
  if (stale === undefined && grace === undefined) return 0;
  return Math.max(checkedMs('stale', stale), checkedMs('grace', grace));
}

/**
 * Milliseconds of a duration from 0; 0 for undefined.
 *
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function checkedMs(name: string, given: unknown, most = MAX_WINDOW_MS): number {
  if (given === undefined) return 0;
  const ms = typeof given === 'number' ? given : milliseconds(given);
  if (typeof ms === 'number' && ms >= 0 && ms <= most) return ms;
  throw new InvalidArgumentError(
    `\`${name}\` is not a duration that can be used.`,
    `Give milliseconds from 0 up to ${most}, or a duration with its unit such as '30s' or '5m'.`,
  );
}

/**
 * Checks the fields that were given in one place. A field that was not given costs one comparison, on a hit too.
 *
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
 * @internal
 */
export function assertPolicy(policy: PolicyOptions): void {
  const { ttl, stale, grace, eager, refreshThreshold, softTimeout, timeout } = policy;
  if (typeof ttl === 'string') readTtl(ttl);
  if (stale !== undefined || grace !== undefined) {
    if (windowOf(policy) > 0 && isEndless(ttl)) throw endlessWindow();
  }
  if (policy.graceOn !== undefined) demandFunction('graceOn', policy.graceOn);
  if (policy.retryAfter !== undefined) checkedMs('retryAfter', policy.retryAfter);
  if (softTimeout !== undefined) checkedMs('softTimeout', softTimeout, MAX_TIMER_MS);
  if (timeout !== undefined) checkTimeouts(softTimeout, timeout);
  if (policy.onTimeout !== undefined) checkOnTimeout(policy.onTimeout);
  if (eager !== undefined || refreshThreshold !== undefined) checkEager(eager, refreshThreshold);
  if (policy.jitter !== undefined) checkJitter(policy.jitter);
  if (policy.errorTtl !== undefined) checkedMs('errorTtl', policy.errorTtl);
}

/**
 * As {@link assertPolicy}, for a policy that is declared before it is used: it then also reports what is wrong with the ttl.
 *
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
 * @internal
 */
export function assertDeclared(policy: PolicyOptions): void {
  const { ttl } = policy;
  if (typeof ttl !== 'function' && readTtl(ttl ?? 0) < 0) throw new InvalidTtlError(ttl);
  assertPolicy(policy);
}

/** @throws {HC_TTL_INVALID} @internal */
export function readTtl(ttl: unknown): number {
  const ms = typeof ttl === 'number' ? ttl : milliseconds(ttl);
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new InvalidTtlError(ttl);
  return ms;
}

/** Whether it means no expiry; false for a function, whose value is not yet known. @internal */
export function isEndless(ttl: PolicyOptions['ttl']): boolean {
  if (ttl === undefined || typeof ttl === 'function') return false;
  const ms = readTtl(ttl);
  return ms === 0 || ms === Infinity;
}

/** @internal */
export function endlessWindow(): InvalidArgumentError {
  return new InvalidArgumentError(
    'An entry that never expires has no time after its end.',
    'Give a ttl above 0 together with `stale` or `grace`, or leave both out.',
  );
}

function demandFunction(name: string, given: unknown): void {
  if (typeof given === 'function') return;
  throw new InvalidArgumentError(
    `\`${name}\` is not a function.`,
    `Pass a function of the error that returns whether the stale value stands in for it.`,
  );
}

function checkTimeouts(softTimeout: unknown, timeout: unknown): void {
  const soft = checkedMs('softTimeout', softTimeout, MAX_TIMER_MS);
  if (checkedMs('timeout', timeout, MAX_TIMER_MS) >= soft) return;
  throw new InvalidArgumentError(
    '`timeout` ends before `softTimeout`.',
    'Give a `timeout` of at least `softTimeout`: a stale value is served at `softTimeout`, and waiting ends at `timeout`.',
  );
}

function checkOnTimeout(given: unknown): void {
  if (given === 'continue' || given === 'abort') return;
  throw new InvalidArgumentError(
    "`onTimeout` is neither 'continue' nor 'abort'.",
    "Write 'continue' to let a factory that is too late go on, or 'abort'.",
  );
}

function checkEager(eager: unknown, threshold: unknown): void {
  if (eager !== undefined && threshold !== undefined) {
    throw new InvalidArgumentError(
      '`eager` and `refreshThreshold` mean the same in two ways.',
      'Give one of them: `eager` is a part of the ttl, `refreshThreshold` the ms that are left.',
    );
  }
  if (threshold !== undefined || (typeof eager === 'number' && eager > 0 && eager < 1)) return;
  throw new InvalidArgumentError(
    '`eager` is not a part of the ttl.',
    'Give a number above 0 and below 1, such as 0.8: hits after that part refresh the entry.',
  );
}

function checkJitter(jitter: unknown): void {
  if (typeof jitter === 'number' && jitter >= 0 && jitter <= 1) return;
  throw new InvalidArgumentError(
    '`jitter` is not a part of the ttl.',
    'Give a number from 0 to 1, such as 0.1: up to that part the ttl is shortened.',
  );
}

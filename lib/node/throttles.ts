import type { Clock } from '../common/clock.js';
import { milliseconds, type Duration } from '../common/duration.js';
import { compositeKey } from '../common/composite-key.js';
import { HyperCacheError, InvalidArgumentError } from '../common/errors.js';
import type { IncidentLog } from '../common/incident-log.js';
import { keepNewest } from '../common/keep-newest.js';
import type { CommandQueue } from '../engine/command-queue.js';
import { execute } from '../engine/pending-command.js';
import {
  decideThrottle,
  type ThrottleDecision,
  type ThrottleLimits,
  type ThrottleName,
  type ThrottleState,
} from '../engine/throttle.js';
import { checkedThrottleLimits, checkedThrottleName } from '../engine/throttle-arguments.js';

/** The limits by which a hit is judged. Times are milliseconds, or durations such as `'1m'`. @publicApi */
export interface ThrottleOptions {
  /** How many hits may pass within the ttl: a whole number from 0. */
  limit: number;
  /** How long a hit counts. */
  ttl: Duration;
  /**
   * How long the first hit over the limit blocks the key. Hits in the meantime do not count, and counting begins again
   * afterwards. 0: the key is blocked only while as many hits as the limit count. @default the ttl
   */
  blockDuration?: Duration | undefined;
  /** Name of the throttler: several may count the same key separately. @default 'default' */
  name?: string | undefined;
  /**
   * `'sliding'`: each hit counts for the ttl; with a limit above 1,000, for up to a 32nd of the ttl longer. `'fixed'`:
   * the hits of a period end with it. @default 'sliding'
   */
  window?: 'sliding' | 'fixed' | undefined;
  /**
   * What to do when no decision is possible, because the primary is away or its file fails: `'local'` counts in the memory of
   * this process until the primary is back, `'allow'` lets everything pass, `'reject'` rejects with the reason.
   *
   * @default 'reject'
   */
  onUnavailable?: 'local' | 'allow' | 'reject' | undefined;
}

/** The decision on a hit. Times are milliseconds from now. @publicApi */
export interface ThrottleResult {
  /** Hits that count, including this one unless the key was already blocked. */
  readonly totalHits: number;
  readonly isBlocked: boolean;
  /** Time until the end of the period that the first hit began. */
  readonly timeToExpire: number;
  /** Time until the next hit may pass; 0 when this one may. */
  readonly timeToBlockExpire: number;
}

/** @internal */
export interface ThrottlesParts {
  readonly queue: Pick<CommandQueue, 'push'>;
  /** The clock of this machine. */
  readonly clock: Clock;
  readonly incidents: IncidentLog;
  /** Whether a decision takes a request: then this process remembers a block. */
  readonly isFar: boolean;
}

/** How long a block that is known here is trusted without a new request, in ms: it may have been reset elsewhere. */
const BELIEVED_MS = 1000;
/** Keys that this process remembers at most: blocked ones, and those that it counts itself. */
const MOST_KEYS = 10_000;

const CHOICES: readonly unknown[] = ['local', 'allow', 'reject'];

interface KnownBlock {
  readonly limits: ThrottleLimits;
  readonly decision: ThrottleDecision;
  /** On the monotonic clock. */
  readonly since: number;
}

/**
 * Counts hits through a node's engine; while the engine is unavailable, it does what each caller has chosen.
 *
 * @internal
 */
export class Throttles {
  readonly #blocks = new Map<string, KnownBlock>();
  /** What this process has counted itself while the engine was unavailable. */
  readonly #own = new Map<string, ThrottleState>();
  /** Why the engine is unavailable. */
  #away: HyperCacheError | undefined;
  #isProbing = false;

  constructor(private readonly parts: ThrottlesParts) {}

  /** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} and, with `onUnavailable: 'reject'`, why no decision is possible */
  async throttle(key: string, options: ThrottleOptions): Promise<ThrottleResult> {
    const { limit, ttl, blockDuration = ttl, name = 'default', window = 'sliding' } = options;
    const { onUnavailable = 'reject' } = options;
    const throttle = checkedThrottleName(key, name);
    const limits = checkedThrottleLimits(
      limit,
      milliseconds(ttl),
      milliseconds(blockDuration),
      window,
    );
    if (!CHOICES.includes(onUnavailable)) throw unknownChoice();
    const known = this.#knownBlock(throttle, limits);
    if (known !== undefined) return known;
    if (this.#away === undefined) {
      try {
        return await this.#ask(throttle, limits);
      } catch (error) {
        this.#leave(error);
      }
    } else {
      // No caller waits for an answer that is unlikely to come.
      this.#probe(throttle, limits);
    }
    if (onUnavailable === 'reject') throw this.#away;
    return onUnavailable === 'local' ? this.#decideHere(throttle, limits) : passed(limits);
  }

  /** @throws {HC_KEY_INVALID} and the reason when it cannot be done */
  async reset(key: string, name?: string): Promise<boolean> {
    const throttle = { ...checkedThrottleName(key, name ?? 'default'), name };
    const start = compositeKey(key) + (name === undefined ? '' : compositeKey(name));
    for (const known of [this.#blocks, this.#own]) {
      for (const id of known.keys()) if (id.startsWith(start)) known.delete(id);
    }
    const { reset } = await execute(this.parts.queue, { kind: 'resetThrottle', throttle });
    return reset;
  }

  async #ask(throttle: ThrottleName, limits: ThrottleLimits): Promise<ThrottleDecision> {
    const decision = await execute(this.parts.queue, { kind: 'throttle', throttle, limits });
    this.#return();
    if (this.parts.isFar && decision.isBlocked) {
      const since = this.parts.clock.monotonic();
      keepNewest(this.#blocks, idOf(throttle), { limits, decision, since }, MOST_KEYS);
    }
    return decision;
  }

  /** A block that was decided a short time ago, as of now. */
  #knownBlock(throttle: ThrottleName, limits: ThrottleLimits): ThrottleDecision | undefined {
    if (this.#blocks.size === 0) return undefined;
    const id = idOf(throttle);
    const known = this.#blocks.get(id);
    if (known === undefined) return undefined;
    const { decision, since } = known;
    const passedMs = this.parts.clock.monotonic() - since;
    const left = decision.timeToBlockExpire - passedMs;
    if (left <= 0 || passedMs >= BELIEVED_MS || !areAlike(known.limits, limits)) {
      this.#blocks.delete(id);
      return undefined;
    }
    const timeToExpire = Math.max(0, decision.timeToExpire - passedMs);
    return { ...decision, timeToExpire, timeToBlockExpire: left };
  }

  #decideHere(throttle: ThrottleName, limits: ThrottleLimits): ThrottleDecision {
    const id = idOf(throttle);
    const now = this.parts.clock.monotonic();
    const { decision, next } = decideThrottle(this.#own.get(id), limits, now);
    keepNewest(this.#own, id, next, MOST_KEYS);
    return decision;
  }

  #probe(throttle: ThrottleName, limits: ThrottleLimits): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#ask(throttle, limits)
      .catch((error: unknown) => {
        if (error instanceof HyperCacheError) this.#away = error;
      })
      .finally(() => {
        this.#isProbing = false;
      });
  }

  #leave(error: unknown): void {
    if (!(error instanceof HyperCacheError)) throw error;
    if (this.#away === undefined) this.parts.incidents.report(error, 'deciding what is throttled');
    this.#away = error;
  }

  #return(): void {
    if (this.#away === undefined) return;
    this.#away = undefined;
    this.#own.clear();
  }
}

/** The decision as if there had been no hit. */
function passed({ ttl }: ThrottleLimits): ThrottleDecision {
  return { totalHits: 0, isBlocked: false, timeToExpire: ttl, timeToBlockExpire: 0 };
}

function areAlike(a: ThrottleLimits, b: ThrottleLimits): boolean {
  return a.limit === b.limit && a.blockDuration === b.blockDuration;
}

function idOf({ key, name }: ThrottleName): string {
  return compositeKey(key, name);
}

function unknownChoice(): InvalidArgumentError {
  return new InvalidArgumentError(
    'The onUnavailable of the throttle is not acceptable.',
    "Give 'local', 'allow' or 'reject'.",
  );
}

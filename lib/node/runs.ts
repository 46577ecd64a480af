import { hostname } from 'node:os';
import type { Clock } from '../common/clock.js';
import { keepNewest } from '../common/keep-newest.js';
import { milliseconds, type Duration } from '../common/duration.js';
import { HyperCacheError, InvalidArgumentError } from '../common/errors.js';
import type { CacheEvents, HyperCacheEvents } from '../common/events.js';
import type { IncidentLog } from '../common/incident-log.js';
import { assertKey } from '../common/keys.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import type { CommandQueue } from '../engine/command-queue.js';
import { execute } from '../engine/pending-command.js';
import type { LockContext } from '../locks/lock.js';
import { checkedLeaseTtl } from '../locks/lock-arguments.js';
import type { LockFactory } from '../locks/lock-factory.js';

interface RunRules {
  /** How long its lease lasts if the process ends, in ms or as a duration; it is renewed in the meantime. @default 60_000 */
  ttl?: Duration | undefined;
  /**
   * `'start'`: a run that has begun uses up its window or slot, however it ends. `'success'`: a run that failed, or whose
   * process ended, does not; then it may happen twice.
   *
   * @default 'start'
   */
  on?: 'start' | 'success' | undefined;
}

/** How often a task runs, on all processes together. @publicApi */
export interface RunOnceOptions extends RunRules {
  /** At most one start within this time, in ms or as a duration. */
  window: Duration;
}

/** Which of several runs a task is, on all processes together. @publicApi */
export interface RunSlotOptions extends RunRules {
  /**
   * The instant for which it runs, in Unix ms: it begins only if this is later than the instant of the last run. It may be a
   * function of this node's time; when that returns undefined, nothing runs.
   */
  slot: number | ((now: number) => RunSlot | undefined);
}

/** What a run is for. @publicApi */
export interface RunSlot {
  /** Unix ms. */
  slot: number;
  /**
   * How far the clock of this node may be from the primary's, in ms or as a duration: half the time between two slots.
   *
   * @default no bound
   */
  maxSkew?: Duration | undefined;
  /** The run does not begin when its slot is longer ago than this, in ms or as a duration. @default no bound */
  within?: Duration | undefined;
}

/** The last run of a name. Times are Unix ms of the primary's clock. @publicApi */
export interface RunInfo {
  /** The instant for which it ran; for a run with a window, its start. */
  readonly slot: number;
  readonly startedAt: number;
  /** Undefined while it runs, and when its process ended before it did. */
  readonly finishedAt?: number;
  /** Whether it ended without an error. */
  readonly ok?: boolean;
  /** The host and process where it ran. */
  readonly node: string;
}

/** @internal */
export interface RunsParts {
  readonly queue: Pick<CommandQueue, 'push'>;
  readonly locks: LockFactory;
  /** The clock of this machine. */
  readonly clock: Clock;
  readonly random: Random;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  readonly logger: HyperCacheLogger;
}

type Outcome = HyperCacheEvents['run']['outcome'];

const DEFAULT_TTL_MS = 60_000;
const ID_BYTES = 16;
/** A century: as good as no bound. */
const MOST_MS = 100 * 365 * 24 * 3_600_000;

/** How many names are remembered as reported; with more, the oldest is reported again. */
const MAX_REPORTED = 1000;

const FIELDS: readonly string[] = ['window', 'slot', 'ttl', 'on'];

/**
 * Runs that happen once on all processes and servers: a lease prevents overlaps, and a record of the last run prevents
 * repetition.
 *
 * @internal
 */
export class Runs {
  readonly #node = `${hostname()} (pid ${process.pid})`;
  /** Names that were already reported, because they cannot run now or because the clock is wrong. */
  readonly #away = new Map<string, true>();
  readonly #skewed = new Map<string, true>();

  constructor(private readonly parts: RunsParts) {}

  /** Resolves to what the work returned; to undefined, without calling it, when it is not to run. */
  async run<T>(
    name: string,
    options: RunOnceOptions | RunSlotOptions,
    work: (context: LockContext) => T | Promise<T>,
  ): Promise<T | undefined> {
    const { slotAt, window, ttl, on } = checkedRun(name, options);
    const due = slotAt(this.parts.clock.now());
    if (due === undefined) return this.#emit(name, 'skipped');
    const { slot, maxSkew } = due;
    const id = this.parts.random.hex(ID_BYTES);
    let outcome: Outcome = 'running';
    let hasBegun = false;
    const lock = this.parts.locks.run(name, { ttl, renew: true });
    try {
      return await lock.tryRun(async (context) => {
        const at = this.parts.clock.now();
        const run = { name, id, slot, window, maxSkew, on, at, node: this.#node };
        const { decision } = await execute(this.parts.queue, { kind: 'beginRun', run });
        this.#noteSkew(name, decision === 'skewed');
        if (decision !== 'begun') {
          outcome = decision;
          return undefined;
        }
        hasBegun = true;
        outcome = 'failed';
        try {
          const result = await work(context);
          outcome = 'ok';
          return result;
        } finally {
          await this.#finish(name, id, outcome === 'ok');
        }
      });
    } catch (error) {
      if (hasBegun || !(error instanceof HyperCacheError)) throw error;
      outcome = 'unavailable';
      this.#noteAway(name, error);
      return undefined;
    } finally {
      if (outcome !== 'unavailable') this.#away.delete(name);
      this.#emit(name, outcome);
    }
  }

  /** @throws {HC_KEY_INVALID} and the reason when it cannot be known */
  async last(name: string): Promise<RunInfo | undefined> {
    assertKey(name, 'name of the run');
    const { last } = await execute(this.parts.queue, { kind: 'lastRun', name });
    if (last === null) return undefined;
    const { slot, startedAt, finishedAt, ok, node } = last;
    const info = { slot, startedAt, node };
    return finishedAt === null || ok === null ? info : { ...info, finishedAt, ok };
  }

  #emit(name: string, outcome: Outcome): undefined {
    this.parts.events.emit('run', { name, outcome });
    return undefined;
  }

  /** The work has run, whether its end can be recorded or not. */
  async #finish(name: string, id: string, ok: boolean): Promise<void> {
    try {
      await execute(this.parts.queue, { kind: 'finishRun', name, id, ok });
    } catch (error) {
      if (!(error instanceof HyperCacheError)) throw error;
      this.parts.incidents.report(error, 'recording the end of a run');
    }
  }

  #noteAway(name: string, error: HyperCacheError): void {
    // The node stops: that is not a failure.
    if (error.code === 'HC_CLOSED') return;
    if (!this.#away.has(name)) this.parts.incidents.report(error, `beginning the run '${name}'`);
    keepNewest(this.#away, name, true, MAX_REPORTED);
  }

  #noteSkew(name: string, isSkewed: boolean): void {
    if (!isSkewed) this.#skewed.delete(name);
    else if (!this.#skewed.has(name)) {
      keepNewest(this.#skewed, name, true, MAX_REPORTED);
      this.parts.logger.warn(
        `The run '${name}' is left out here: the clock of this node is too far from the primary's. Set it by NTP.`,
      );
    }
  }
}

/** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} @internal */
export function checkedRun(name: unknown, options: RunOnceOptions | RunSlotOptions) {
  assertKey(name, 'name of the run');
  const given = Object(options) as Partial<RunOnceOptions & RunSlotOptions>;
  for (const field of Object.keys(given)) {
    if (!FIELDS.includes(field))
      throw invalid(`has no option '${field}'`, `there are ${FIELDS.join(', ')}`);
  }
  const { slot, window, ttl = DEFAULT_TTL_MS, on = 'start' } = given;
  if (on !== 'start' && on !== 'success') {
    throw invalid('has an unknown `on`', "use 'start' or 'success'");
  }
  if ((slot === undefined) === (window === undefined)) {
    throw invalid('has a window and a slot, or neither', 'give one of them');
  }
  const rules = { ttl: checkedLeaseTtl(ttl, Infinity), on };
  if (slot === undefined) {
    const ownTime: DueSlot = { slot: null, maxSkew: MOST_MS };
    return { ...rules, window: checkedMs('window', window), slotAt: () => ownTime };
  }
  const slotAt = (now: number): DueSlot | undefined => {
    const chosen = typeof slot === 'function' ? slot(now) : { slot };
    return chosen === undefined ? undefined : dueSlot(chosen, now);
  };
  if (typeof slot === 'function') return { ...rules, window: 0, slotAt };
  dueSlot({ slot }, 0);
  return { ...rules, window: 0, slotAt };
}

interface DueSlot {
  readonly slot: number | null;
  readonly maxSkew: number;
}

/** Undefined when the slot was too long ago. @throws {HC_ARGUMENT_INVALID} */
function dueSlot({ slot, maxSkew, within }: RunSlot, now: number): DueSlot | undefined {
  if (typeof slot !== 'number' || !(Math.abs(slot) <= Number.MAX_SAFE_INTEGER)) {
    throw invalid('has a slot that is not a time', 'give Unix ms');
  }
  if (within !== undefined && now - slot > checkedMs('within', within)) return undefined;
  return { slot, maxSkew: maxSkew === undefined ? MOST_MS : checkedMs('maxSkew', maxSkew) };
}

function checkedMs(what: string, given: unknown): number {
  const ms = milliseconds(given);
  if (typeof ms === 'number' && ms > 0 && ms <= MOST_MS) return ms;
  throw invalid(
    `has an unacceptable ${what}`,
    "give milliseconds above 0, or a duration such as '1h'",
  );
}

function invalid(what: string, instead: string): InvalidArgumentError {
  return new InvalidArgumentError(`The run ${what}.`, `Correct it: ${instead}.`);
}

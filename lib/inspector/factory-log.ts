import type { HyperCache, HyperCacheListener } from '../index.js';
import { NewestMap } from './newest-map.js';

/** How many keys are remembered: those whose factories ended last. */
const MAX_KEYS = 1000;
const MAX_SHOWN = 50;
const MAX_MESSAGE = 200;

/** The statistics of the factories of one key since the start. @internal */
export interface FactoryRecord {
  readonly namespace: string;
  readonly key: string;
  readonly calls: number;
  readonly failures: number;
  readonly totalMs: number;
  readonly slowestMs: number;
  readonly lastOutcome: string;
  /** The code or the name of the last error; undefined when none has failed. */
  readonly lastError: string | undefined;
  readonly lastMessage: string | undefined;
}

type FactoryEvent = Parameters<HyperCacheListener<'factory'>>[0];

/** The slowest factories and those that fail, in memory. @internal */
export class FactoryLog {
  readonly #records = new NewestMap<FactoryRecord>(MAX_KEYS);

  constructor(private readonly cache: Pick<HyperCache, 'on' | 'off'>) {}

  start(): void {
    this.cache.on('factory', this.#note);
  }

  close(): void {
    this.cache.off('factory', this.#note);
  }

  /** The factories whose slowest calls took longest, 50 at most. */
  get slowest(): readonly FactoryRecord[] {
    return this.#top((a, b) => b.slowestMs - a.slowestMs);
  }

  /** The factories that failed most often, 50 at most. */
  get failing(): readonly FactoryRecord[] {
    return this.#top((a, b) => b.failures - a.failures).filter(({ failures }) => failures > 0);
  }

  #top(compare: (a: FactoryRecord, b: FactoryRecord) => number): FactoryRecord[] {
    return this.#records.values().toSorted(compare).slice(0, MAX_SHOWN);
  }

  readonly #note = ({ namespace, key, ms, outcome, error }: FactoryEvent): void => {
    const id = JSON.stringify([namespace, key]);
    const known = this.#records.get(id);
    const hasFailed = outcome === 'failed' || outcome === 'timeout';
    this.#records.set(id, {
      namespace,
      key,
      calls: (known?.calls ?? 0) + 1,
      failures: (known?.failures ?? 0) + (hasFailed ? 1 : 0),
      totalMs: (known?.totalMs ?? 0) + ms,
      slowestMs: Math.max(known?.slowestMs ?? 0, ms),
      lastOutcome: outcome,
      lastError: hasFailed ? nameOf(error, outcome) : known?.lastError,
      lastMessage: hasFailed ? messageOf(error) : known?.lastMessage,
    });
  };
}

function nameOf(error: unknown, outcome: string): string {
  const { code, name }: { code?: unknown; name?: unknown } = Object(error);
  return String(code ?? name ?? outcome).slice(0, MAX_MESSAGE);
}

function messageOf(error: unknown): string | undefined {
  const { message }: { message?: unknown } = Object(error);
  return typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : undefined;
}

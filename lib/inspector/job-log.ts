import type { Clock, HyperCache, HyperCacheListener } from '../index.js';
import { NewestMap } from './newest-map.js';

type RunEvent = Parameters<HyperCacheListener<'run'>>[0];

/** Names that are remembered: those that were asked to run last. */
const MAX_NAMES = 200;

/** How often this process was asked to run something, and what came of it, since its start. @internal */
export interface JobRecord {
  readonly name: string;
  /** Unix ms. */
  readonly lastAt: number;
  readonly lastOutcome: RunEvent['outcome'];
  readonly counts: Readonly<Partial<Record<RunEvent['outcome'], number>>>;
}

/** What this process was asked to run. @internal */
export class JobLog {
  readonly #records = new NewestMap<JobRecord>(MAX_NAMES);

  constructor(
    private readonly cache: Pick<HyperCache, 'on' | 'off'>,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.cache.on('run', this.#note);
  }

  close(): void {
    this.cache.off('run', this.#note);
  }

  /** What was asked for last comes first. */
  get records(): readonly JobRecord[] {
    return this.#records.values();
  }

  readonly #note = ({ name, outcome }: RunEvent): void => {
    const counts = this.#records.get(name)?.counts ?? {};
    this.#records.set(name, {
      name,
      lastAt: this.clock.now(),
      lastOutcome: outcome,
      counts: { ...counts, [outcome]: (counts[outcome] ?? 0) + 1 },
    });
  };
}

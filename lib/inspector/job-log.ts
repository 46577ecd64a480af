import type { Clock, HyperCache, HyperCacheListener } from '../index.js';
import { NewestMap } from './newest-map.js';

type RunEvent = Parameters<HyperCacheListener<'run'>>[0];

/** How many names are remembered: those requested last. */
const MAX_NAMES = 200;

/** How often this process was asked to run a job since its start, and the last result. @internal */
export interface JobRecord {
  readonly name: string;
  /** Unix ms. */
  readonly lastAt: number;
  readonly lastOutcome: RunEvent['outcome'];
  readonly counts: Readonly<Partial<Record<RunEvent['outcome'], number>>>;
}

/** The jobs that this process was asked to run. @internal */
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

  /** The last requested job comes first. */
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

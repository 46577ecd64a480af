import type { Clock, HyperCache } from '../index.js';
import { SAMPLE_MS, sampleOf, type SampleHistory } from './samples.js';

/** Takes a sample of the statistics every 5 seconds. @internal */
export class Sampler {
  #timer: NodeJS.Timeout | undefined;
  #isTaking = false;

  constructor(
    private readonly cache: Pick<HyperCache, 'stats'>,
    private readonly clock: Clock,
    private readonly history: SampleHistory,
  ) {}

  start(): void {
    if (this.#timer !== undefined) return;
    const take = (): void => void this.take();
    this.#timer = setInterval(take, SAMPLE_MS).unref();
    take();
  }

  /** Never rejects. Where the statistics cannot be read, the plots have a gap. */
  async take(): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      const stats = await this.cache.stats();
      this.history.add(sampleOf(stats, this.clock.monotonic()));
    } catch {
      // The views show the reason.
    } finally {
      this.#isTaking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

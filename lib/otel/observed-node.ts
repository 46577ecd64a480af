import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  Observable,
} from '@opentelemetry/api';
import { diag } from '@opentelemetry/api';
import type { HyperCache } from '../index.js';
import { INSTRUMENTS, type InstrumentDescription } from './instruments.js';

/** The instruments of one node. They share one `stats()` when the application's reader asks. @internal */
export class ObservedNode {
  #stop: (() => void) | undefined;

  constructor(
    private readonly cache: HyperCache,
    private readonly attributes: Attributes,
  ) {}

  start(meter: Meter): void {
    this.stop();
    const made = INSTRUMENTS.map(
      (description) => [description, observable(meter, description)] as const,
    );
    const observables = made.map(([, instrument]) => instrument);
    const callback: BatchObservableCallback = async (result) => this.#read(result, made);
    meter.addBatchObservableCallback(callback, observables);
    this.#stop = () => meter.removeBatchObservableCallback(callback, observables);
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** A closed node has no numbers. It must not make a reader fail, neither for this node nor for the others. */
  async #read(
    result: BatchObservableResult,
    made: readonly (readonly [InstrumentDescription, Observable])[],
  ): Promise<void> {
    try {
      const stats = await this.cache.stats();
      for (const [{ read }, instrument] of made) {
        for (const [value, attributes] of read(stats)) {
          result.observe(instrument, value, { ...this.attributes, ...attributes });
        }
      }
    } catch (error) {
      diag.warn('hypercache: the numbers of a node could not be read', error);
    }
  }
}

function observable(
  meter: Meter,
  { name, type, unit, description }: InstrumentDescription,
): Observable {
  const options = { unit, description };
  switch (type) {
    case 'counter':
      return meter.createObservableCounter(name, options);
    case 'updowncounter':
      return meter.createObservableUpDownCounter(name, options);
    case 'gauge':
      return meter.createObservableGauge(name, options);
  }
}

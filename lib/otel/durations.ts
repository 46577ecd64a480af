import { channel } from 'node:diagnostics_channel';
import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { HyperCacheFactoryTrace, HyperCacheLockTrace } from '../index.js';
import { Attribute, errorTypeOf } from './attributes.js';

/** An instrument that is written when an operation ends. @internal */
export interface HistogramDescription {
  readonly name: string;
  readonly unit: 's';
  readonly description: string;
  readonly attributes: readonly string[];
}

const { Namespace, Reason, Result, ErrorType } = Attribute;

/** @internal */
export const FACTORY_DURATION: HistogramDescription = {
  name: 'hypercache.factory.duration',
  unit: 's',
  description: 'How long factories of wrap take, until their value is stored.',
  attributes: [Namespace, Reason, ErrorType],
};

/** @internal */
export const LOCK_WAIT_DURATION: HistogramDescription = {
  name: 'hypercache.lock.wait.duration',
  unit: 's',
  description: 'How long callers wait for a lock, or for a slot of a semaphore.',
  attributes: [Result, ErrorType],
};

/** In seconds, from a memory read to a slow origin. */
const BOUNDARIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const FACTORY_END = channel('tracing:hypercache:factory:asyncEnd');
const LOCK_END = channel('tracing:hypercache:lock:asyncEnd');

/** Records the durations of the factories and of the waits for locks, for all nodes of the process. @internal */
export class Durations {
  #factory: Histogram | undefined;
  #lock: Histogram | undefined;

  constructor(private readonly meter: () => Meter) {}

  enable(): void {
    FACTORY_END.subscribe(this.#onFactory);
    LOCK_END.subscribe(this.#onLock);
  }

  disable(): void {
    FACTORY_END.unsubscribe(this.#onFactory);
    LOCK_END.unsubscribe(this.#onLock);
  }

  /** Forgets the meter: the next number goes to the current one. */
  forgetMeter(): void {
    this.#factory = this.#lock = undefined;
  }

  readonly #onFactory = (message: unknown): void => {
    // The channel has no other messages.
    const { namespace, reason, ms = 0, error } = message as HyperCacheFactoryTrace;
    this.#factory ??= this.#histogram(FACTORY_DURATION);
    record(this.#factory, ms, { [Namespace]: namespace, [Reason]: reason }, error);
  };

  readonly #onLock = (message: unknown): void => {
    const { acquired, ms = 0, error } = message as HyperCacheLockTrace;
    this.#lock ??= this.#histogram(LOCK_WAIT_DURATION);
    const attributes = { [Result]: acquired === true ? 'acquired' : 'refused' };
    record(this.#lock, ms, attributes, error);
  };

  #histogram({ name, unit, description }: HistogramDescription): Histogram {
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    return this.meter().createHistogram(name, { unit, description, advice });
  }
}

function record(histogram: Histogram, ms: number, attributes: Attributes, error: unknown): void {
  const more = error === undefined ? {} : { [ErrorType]: errorTypeOf(error) };
  histogram.record(ms / 1000, { ...attributes, ...more });
}

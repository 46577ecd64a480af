import {
  metrics,
  trace,
  type Attributes,
  type Meter,
  type MeterProvider,
  type TracerProvider,
} from '@opentelemetry/api';
import { InvalidArgumentError, VERSION, type HyperCache } from '../index.js';
import { Durations } from './durations.js';
import { ObservedNode } from './observed-node.js';
import { Spans } from './spans.js';

/** @publicApi */
export interface HyperCacheInstrumentationOptions {
  /** Whether it begins at once; otherwise with `enable()`. @default true */
  enabled?: boolean;
  /**
   * Whether spans name the key, in `hypercache.key`. Keys often hold what identifies a person.
   *
   * @default false
   */
  recordKeys?: boolean;
}

/** @publicApi */
export interface ObserveOptions {
  /** Of all numbers of the node: to tell several nodes of a process from one another. @default none */
  attributes?: Attributes;
}

/**
 * Spans and metrics of OpenTelemetry. Spans, and how long factories and waits for locks take, are those of all nodes of the
 * process; counters and gauges those of the nodes that are given to {@link HyperCacheInstrumentation.observe}.
 *
 * It has the shape that `registerInstrumentations` and the Node SDK of OpenTelemetry take.
 *
 * @publicApi
 */
export class HyperCacheInstrumentation {
  readonly instrumentationName = 'nestjs-hypercache';
  readonly instrumentationVersion = VERSION;
  #config: HyperCacheInstrumentationOptions;
  #isEnabled = false;
  #tracerProvider: TracerProvider | undefined;
  #meterProvider: MeterProvider | undefined;
  readonly #observed = new Set<ObservedNode>();
  readonly #durations = new Durations(() => this.#meter());
  readonly #spans = new Spans({
    tracer: () =>
      (this.#tracerProvider ?? trace).getTracer(
        this.instrumentationName,
        this.instrumentationVersion,
      ),
    recordsKeys: () => this.#config.recordKeys === true,
  });

  constructor(options: HyperCacheInstrumentationOptions = {}) {
    this.#config = { enabled: true, ...options };
    if (this.#config.enabled === true) this.enable();
  }

  /** Idempotent. */
  enable(): void {
    if (this.#isEnabled) return;
    this.#isEnabled = true;
    this.#spans.enable();
    this.#durations.enable();
    for (const node of this.#observed) node.start(this.#meter());
  }

  /** Ends all spans to come and all numbers; the nodes go on. Idempotent. */
  disable(): void {
    if (!this.#isEnabled) return;
    this.#isEnabled = false;
    this.#spans.disable();
    this.#durations.disable();
    for (const node of this.#observed) node.stop();
  }

  /**
   * Reports the numbers of a node, whenever a metric reader asks for them. Give each node once, and each of several nodes
   * of a process attributes of its own.
   *
   * @returns ends that
   * @throws {HC_ARGUMENT_INVALID} no node
   */
  observe(cache: HyperCache, { attributes = {} }: ObserveOptions = {}): () => void {
    if (typeof cache?.stats !== 'function') {
      throw new InvalidArgumentError(
        'There is no node to observe.',
        'Pass the injectable of the application: instrumentation.observe(app.get(HyperCache)).',
      );
    }
    const node = new ObservedNode(cache, attributes);
    this.#observed.add(node);
    if (this.#isEnabled) node.start(this.#meter());
    return () => {
      node.stop();
      this.#observed.delete(node);
    };
  }

  /** @param provider in the place of the global one */
  setTracerProvider(provider: TracerProvider): void {
    this.#tracerProvider = provider;
  }

  /** @param provider in the place of the global one */
  setMeterProvider(provider: MeterProvider): void {
    this.#meterProvider = provider;
    this.#durations.forgetMeter();
    if (this.#isEnabled) for (const node of this.#observed) node.start(this.#meter());
  }

  getConfig(): HyperCacheInstrumentationOptions {
    return { ...this.#config };
  }

  /** Options that are left out keep their defaults; whether it is enabled stays as it is. */
  setConfig(options: HyperCacheInstrumentationOptions): void {
    this.#config = { enabled: true, ...options };
  }

  #meter(): Meter {
    const provider = this.#meterProvider ?? metrics.getMeterProvider();
    return provider.getMeter(this.instrumentationName, this.instrumentationVersion);
  }
}

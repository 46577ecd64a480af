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

/** The options of `HyperCacheInstrumentation`. @publicApi */
export interface HyperCacheInstrumentationOptions {
  /** Whether it begins immediately. Otherwise it begins with `enable()`. @default true */
  enabled?: boolean;
  /**
   * Whether spans contain the key, in `hypercache.key`. Keys often identify a person.
   *
   * @default false
   */
  recordKeys?: boolean;
}

/** The options of `HyperCacheInstrumentation.observe()`. @publicApi */
export interface ObserveOptions {
  /** Added to all numbers of the node, to tell several nodes of a process apart. @default none */
  attributes?: Attributes;
}

/**
 * Spans and metrics of OpenTelemetry. Spans and the durations of factories and of waits for locks cover all nodes of the
 * process. Counters and gauges cover the nodes that are given to {@link HyperCacheInstrumentation.observe}.
 *
 * It has the shape that `registerInstrumentations` and the Node SDK of OpenTelemetry expect.
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

  /** Stops all later spans and all numbers. The nodes continue. Idempotent. */
  disable(): void {
    if (!this.#isEnabled) return;
    this.#isEnabled = false;
    this.#spans.disable();
    this.#durations.disable();
    for (const node of this.#observed) node.stop();
  }

  /**
   * Reports the numbers of a node whenever a metric reader asks for them. Give each node once. When a process has several
   * nodes, give each one its own attributes.
   *
   * @returns a function that ends the reports
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

  /** @param provider replaces the global one */
  setTracerProvider(provider: TracerProvider): void {
    this.#tracerProvider = provider;
  }

  /** @param provider replaces the global one */
  setMeterProvider(provider: MeterProvider): void {
    this.#meterProvider = provider;
    this.#durations.forgetMeter();
    if (this.#isEnabled) for (const node of this.#observed) node.start(this.#meter());
  }

  getConfig(): HyperCacheInstrumentationOptions {
    return { ...this.#config };
  }

  /** Omitted options get their defaults. Whether it is enabled does not change. */
  setConfig(options: HyperCacheInstrumentationOptions): void {
    this.#config = { enabled: true, ...options };
  }

  #meter(): Meter {
    const provider = this.#meterProvider ?? metrics.getMeterProvider();
    return provider.getMeter(this.instrumentationName, this.instrumentationVersion);
  }
}

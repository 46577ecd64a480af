import { afterEach, beforeEach } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  metrics,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type Context,
  type ContextManager,
} from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** As `AsyncLocalStorageContextManager` of OpenTelemetry, as far as tests need it. */
class TestContextManager implements ContextManager {
  readonly #store = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#store.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#store.run(active, () => fn.call(thisArg, ...args));
  }

  bind<T>(_context: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#store.disable();
    return this;
  }
}

class OnRequest extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** One number of an instrument; of a histogram how many were recorded. */
export type Point = readonly [value: number, attributes: Attributes];

/** The SDK of OpenTelemetry as a test sees it. */
export interface Telemetry {
  /** Spans that have ended. */
  spans(): ReadableSpan[];
  span(name: string): ReadableSpan;
  /** Asks all instruments now: by name, in the order of their description. */
  collect(): Promise<Map<string, { unit: string; points: Point[] }>>;
  readonly meterProvider: MeterProvider;
}

/** The real SDK, with exporters in memory, registered for each test. */
export function useTelemetry(): Telemetry {
  let exporter = new InMemorySpanExporter();
  let reader = new OnRequest();
  let meterProvider = new MeterProvider({ readers: [reader] });
  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    const spanProcessors = [new SimpleSpanProcessor(exporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    context.setGlobalContextManager(new TestContextManager());
    reader = new OnRequest();
    meterProvider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(meterProvider);
  });
  afterEach(async () => {
    await meterProvider.shutdown();
    for (const api of [trace, context, metrics]) api.disable();
  });
  const spans = (): ReadableSpan[] => exporter.getFinishedSpans();
  return {
    spans,
    span(name) {
      const found = spans().filter((span) => span.name === name);
      if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} of ${name}`);
      return found[0];
    },
    async collect() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, 'collecting');
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics: of }) => of);
      return new Map(
        all.map(({ descriptor: { name, unit }, dataPoints }) => [
          name,
          {
            unit,
            points: dataPoints.map(({ value, attributes }): Point => [
              typeof value === 'number' ? value : value.count,
              attributes,
            ]),
          },
        ]),
      );
    },
    get meterProvider() {
      return meterProvider;
    },
  };
}

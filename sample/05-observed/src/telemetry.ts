// OTEL=console prints spans and metrics; without it there are none.
import { metrics, trace } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { HyperCacheInstrumentation } from 'nestjs-hypercache/otel';

const EVERY_MS = 10_000;

export const instrumentation = process.env['OTEL'] === 'console' ? begin() : undefined;

function begin(): HyperCacheInstrumentation {
  const spanProcessors = [new SimpleSpanProcessor(new ConsoleSpanExporter())];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  const reader = new PeriodicExportingMetricReader({
    exporter: new ConsoleMetricExporter(),
    exportIntervalMillis: EVERY_MS,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return new HyperCacheInstrumentation();
}

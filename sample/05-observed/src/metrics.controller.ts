import { Controller, Get, Header, type OnModuleInit } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';
import { registerHyperCacheMetrics } from 'nestjs-hypercache/prometheus';
import { Registry } from 'prom-client';

/** What Prometheus reads. The two applications of this process need a registry each. */
@Controller('metrics')
export class MetricsController implements OnModuleInit {
  private readonly registry = new Registry();

  constructor(private readonly cache: HyperCache) {}

  onModuleInit(): void {
    registerHyperCacheMetrics(this.cache, { registry: this.registry });
  }

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  metrics(): Promise<string> {
    return this.registry.metrics();
  }
}

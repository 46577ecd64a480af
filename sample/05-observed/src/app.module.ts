import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HyperCacheModule, type HyperCacheOptions } from 'nestjs-hypercache';
import { HyperCacheInspectorModule } from 'nestjs-hypercache/inspector';
import { HyperCacheHealthIndicator } from 'nestjs-hypercache/terminus';
import { HealthController } from './health.controller.js';
import { LoadController } from './load.controller.js';
import { LoadService } from './load.service.js';
import { LoopbackGuard } from './loopback.guard.js';
import { MetricsController } from './metrics.controller.js';
import { OriginService } from './origin.service.js';
import { TelemetryService } from './telemetry.service.js';

@Module({})
export class AppModule {
  static forNode(options: HyperCacheOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        HyperCacheModule.forRoot(options),
        HyperCacheInspectorModule.forRoot({ guards: [LoopbackGuard], values: true }),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController, LoadController, MetricsController],
      providers: [HyperCacheHealthIndicator, LoadService, OriginService, TelemetryService],
    };
  }
}

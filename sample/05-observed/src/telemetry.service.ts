import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';
import { instrumentation } from './telemetry.js';

/** Gives the node of this application to OpenTelemetry, if that is on. */
@Injectable()
export class TelemetryService implements OnApplicationBootstrap, OnModuleDestroy {
  private takeOff: (() => void) | undefined;

  constructor(private readonly cache: HyperCache) {}

  onApplicationBootstrap(): void {
    const attributes = { 'service.instance.id': this.cache.health().role };
    this.takeOff = instrumentation?.observe(this.cache, { attributes });
  }

  onModuleDestroy(): void {
    this.takeOff?.();
  }
}

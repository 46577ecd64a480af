import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CatchUp } from './catch-up.js';

/**
 * Catches up, at the start of an application, what `@ClusterCron({ catchUp })` has missed. To be imported once, beside
 * `ScheduleModule.forRoot()`.
 *
 * @publicApi
 */
@Global()
@Module({ imports: [DiscoveryModule], providers: [CatchUp], exports: [CatchUp] })
export class HyperCacheScheduleModule {}

import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CatchUp } from './catch-up.js';

/**
 * At the start of an application, catches up the runs that `@ClusterCron({ catchUp })` has missed. Import it once, next to
 * `ScheduleModule.forRoot()`.
 *
 * @publicApi
 */
@Global()
@Module({ imports: [DiscoveryModule], providers: [CatchUp], exports: [CatchUp] })
export class HyperCacheScheduleModule {}

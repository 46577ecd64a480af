import { Module } from '@nestjs/common';
import { HyperCacheModule } from 'nestjs-hypercache';
import { NotesController } from './notes.controller.js';
import { StatsController } from './stats.controller.js';

// HYPERCACHE_SERVER_ROLE, HYPERCACHE_PRIMARY_URL, HYPERCACHE_API_TOKEN and HYPERCACHE_SQLITE_PATH make of the same
// application a primary or a secondary.
@Module({
  imports: [HyperCacheModule.forRoot()],
  controllers: [NotesController, StatsController],
})
export class AppModule {}

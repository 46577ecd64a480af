import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { HyperCacheModule } from 'nestjs-hypercache';
import { JournalModule } from './journal.js';
import { ReportsModule } from './reports/reports.module.js';
import { SeatsModule } from './seats/seats.module.js';

@Module({
  imports: [
    // HYPERCACHE_SQLITE_PATH says where the file is: workers that share it share its locks.
    HyperCacheModule.forRoot(),
    ScheduleModule.forRoot(),
    JournalModule,
    ReportsModule,
    SeatsModule,
  ],
})
export class AppModule {}

import { Controller, Get } from '@nestjs/common';
import { HyperCache, type HyperCacheStats } from 'nestjs-hypercache';

@Controller('stats')
export class StatsController {
  constructor(private readonly cache: HyperCache) {}

  @Get()
  stats(): Promise<HyperCacheStats> {
    return this.cache.stats();
  }
}

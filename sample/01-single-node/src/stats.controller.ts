import { Controller, Get } from '@nestjs/common';
import { HyperCache, type HyperCacheStats } from 'nestjs-hypercache';
import { CatalogService } from './catalog/catalog.service.js';

export interface SampleStats {
  origin: { products: number; reads: number };
  cache: HyperCacheStats;
}

@Controller('stats')
export class StatsController {
  constructor(
    private readonly cache: HyperCache,
    private readonly catalog: CatalogService,
  ) {}

  @Get()
  async stats(): Promise<SampleStats> {
    const { products, reads } = this.catalog;
    return { origin: { products, reads }, cache: await this.cache.stats() };
  }
}

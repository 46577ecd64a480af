import { Module } from '@nestjs/common';
import { HyperCacheModule } from 'nestjs-hypercache';
import { CacheLayerModule } from './cache-layer/cache-layer.module.js';
import { CartsModule } from './carts/carts.module.js';
import { CatalogModule } from './catalog/catalog.module.js';
import { ProductsModule } from './products/products.module.js';
import { StatsController } from './stats.controller.js';

@Module({
  imports: [
    // HYPERCACHE_SQLITE_PATH says where the file is; ./storage/hypercache by default. The memory layer is
    // small on purpose: with 10,000 entries, the default, the replay would hardly ever need the file.
    HyperCacheModule.forRoot({ l1: { maxEntries: 2000 } }),
    CacheLayerModule,
    CatalogModule,
    ProductsModule,
    CartsModule,
  ],
  controllers: [StatsController],
})
export class AppModule {}

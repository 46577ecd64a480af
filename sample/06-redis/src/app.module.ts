import { Module, type DynamicModule } from '@nestjs/common';
import { HyperCacheModule } from 'nestjs-hypercache';
import { redis } from 'nestjs-hypercache/redis';
import { APPLICATION, ProductsController } from './products.controller.js';

@Module({})
export class AppModule {
  /** @param url of the server, which is all that the applications share */
  static named(application: string, url: string): DynamicModule {
    return {
      module: AppModule,
      imports: [HyperCacheModule.forRoot({ engine: redis({ url }), ttl: '1h' })],
      controllers: [ProductsController],
      providers: [{ provide: APPLICATION, useValue: application }],
    };
  }
}

import { Controller, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';

interface Product {
  readonly id: string;
  readonly price: number;
  /** Which application has loaded it. */
  readonly loadedBy: string;
}

/** The name of this application, one of two. */
export const APPLICATION = 'APPLICATION';

/** Nothing here knows which engine there is. */
@Controller('products/:id')
export class ProductsController {
  constructor(
    @Inject(HyperCache) private readonly cache: HyperCache,
    @Inject(APPLICATION) private readonly application: string,
  ) {}

  /** One of the two applications loads the product; both serve it. */
  @Get()
  find(@Param('id') id: string): Promise<Product> {
    const load = async (): Promise<Product> => ({ id, price: 42, loadedBy: this.application });
    return this.cache.wrap(`product:${id}`, load, { ttl: '1m', tags: [`product:${id}`] });
  }

  /** After this neither application serves the former product. */
  @Put()
  @HttpCode(204)
  async edited(@Param('id') id: string): Promise<void> {
    await this.cache.delByTag(`product:${id}`);
  }

  /** One count for both. */
  @Post('views')
  async viewed(@Param('id') id: string): Promise<{ views: number }> {
    return { views: await this.cache.increment(`views:${id}`) };
  }

  /** Bought through one application at a time. */
  @Post('buy')
  buy(@Param('id') id: string): Promise<{ soldBy: string; token: number }> {
    const lock = this.cache.lock(`buy:${id}`, { ttl: '10s', wait: '5s' });
    return lock.run(async ({ token }) => ({ soldBy: this.application, token }));
  }
}

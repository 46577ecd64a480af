import { Injectable } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';

/** Views of product pages, counted in the cache and nowhere else: the cache survives a crash. */
@Injectable()
export class ProductViewsService {
  constructor(private readonly cache: HyperCache) {}

  /** Atomic; resolves to the new count. */
  count(productId: number): Promise<number> {
    return this.cache.increment(viewsKey(productId));
  }

  async of(productId: number): Promise<number> {
    return (await this.cache.get<number>(viewsKey(productId))) ?? 0;
  }
}

function viewsKey(productId: number): string {
  return `views:${productId}`;
}

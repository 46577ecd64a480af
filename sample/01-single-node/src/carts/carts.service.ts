import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';
import type { Cache } from 'cache-manager';

export interface Cart {
  items: { productId: number; quantity: number }[];
}

const CART_TTL_MS = 30 * 24 * 3_600_000;

/** Carts of visitors, with nothing but what Nest taught: `CACHE_MANAGER`. A restart does not empty them. */
@Injectable()
export class CartsService {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  find(visitor: string): Promise<Cart | undefined> {
    return this.cache.get<Cart>(cartKey(visitor));
  }

  async put(visitor: string, cart: Cart): Promise<void> {
    await this.cache.set(cartKey(visitor), cart, CART_TTL_MS);
  }
}

function cartKey(visitor: string): string {
  return `cart:${visitor}`;
}

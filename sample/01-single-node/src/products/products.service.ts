import { Injectable, NotFoundException } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';
import { CacheLayerService, type Answer } from '../cache-layer/cache-layer.service.js';
import { CatalogService } from '../catalog/catalog.service.js';
import type { Product, ProductEdit } from '../catalog/product.js';

/** A product as one language's readers see it. */
export type ProductPage = Product & { lang: string; price: string };

/** Of the list that `CacheInterceptor` caches. */
export const TOP_PRODUCTS_KEY = 'products:top';

const TOP_PRODUCTS = 10;
const PAGE_TTL_MS = 3_600_000;

@Injectable()
export class ProductsService {
  constructor(
    private readonly cache: HyperCache,
    private readonly catalog: CatalogService,
    private readonly layers: CacheLayerService,
  ) {}

  /** The page, from memory, from the file, or from the origin. Concurrent requests share one call of the origin. */
  page(id: number, lang: string): Promise<Answer<ProductPage>> {
    return this.layers.observe(() =>
      this.cache.wrap(`product:${id}:${lang}`, () => this.#render(id, lang), {
        ttl: PAGE_TTL_MS,
        tags: [productTag(id)],
      }),
    );
  }

  top(): Promise<Product[]> {
    return this.catalog.bestsellers(TOP_PRODUCTS);
  }

  /** Edits the product, then drops the entries that show it: its page in every language, and the top list. */
  async edit(id: number, edit: ProductEdit): Promise<void> {
    if (!(await this.catalog.update(id, edit))) throw unknownProduct(id);
    await Promise.all([this.cache.delByTag(productTag(id)), this.cache.del(TOP_PRODUCTS_KEY)]);
  }

  async #render(id: number, lang: string): Promise<ProductPage> {
    const product = await this.catalog.find(id);
    if (product === undefined) throw unknownProduct(id);
    const format = new Intl.NumberFormat(lang, { style: 'currency', currency: 'EUR' });
    return { ...product, lang, price: format.format(product.priceCents / 100) };
  }
}

function productTag(id: number): string {
  return `product:${id}`;
}

function unknownProduct(id: number): NotFoundException {
  return new NotFoundException(`There is no product ${id}.`);
}

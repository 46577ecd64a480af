import { CacheInterceptor, CacheKey, CacheTTL } from '@nestjs/cache-manager';
import {
  Body,
  Controller,
  DefaultValuePipe,
  Get,
  HttpCode,
  Param,
  ParseEnumPipe,
  ParseIntPipe,
  Patch,
  Post,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { CACHE_LAYER_HEADER } from '../cache-layer/cache-layer.service.js';
import type { Product, ProductEdit } from '../catalog/product.js';
import { ProductEditPipe } from './product-edit.pipe.js';
import { ProductViewsService } from './product-views.service.js';
import { ProductsService, TOP_PRODUCTS_KEY, type ProductPage } from './products.service.js';

const LANGUAGES = { en: 'en', de: 'de', fr: 'fr' };

@Controller('products')
export class ProductsController {
  constructor(
    private readonly products: ProductsService,
    private readonly views: ProductViewsService,
  ) {}

  /** Cached by Nest's own interceptor, whose plain `set` can lose a race with an edit: hence the short ttl. */
  @Get()
  @UseInterceptors(CacheInterceptor)
  @CacheKey(TOP_PRODUCTS_KEY)
  @CacheTTL(10_000)
  top(): Promise<Product[]> {
    return this.products.top();
  }

  @Get(':id')
  async page(
    @Param('id', ParseIntPipe) id: number,
    @Query('lang', new DefaultValuePipe('en'), new ParseEnumPipe(LANGUAGES)) lang: string,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<ProductPage> {
    const { value, layer } = await this.products.page(id, lang);
    response.setHeader(CACHE_LAYER_HEADER, layer);
    return value;
  }

  @Patch(':id')
  async edit(
    @Param('id', ParseIntPipe) id: number,
    @Body(ProductEditPipe) edit: ProductEdit,
  ): Promise<{ id: number }> {
    await this.products.edit(id, edit);
    return { id };
  }

  @Get(':id/views')
  async viewsOf(@Param('id', ParseIntPipe) id: number): Promise<{ views: number }> {
    return { views: await this.views.of(id) };
  }

  /** What the page in the browser calls: counting is a write, and GET stays a read. */
  @Post(':id/views')
  @HttpCode(200)
  async countView(@Param('id', ParseIntPipe) id: number): Promise<{ views: number }> {
    return { views: await this.views.count(id) };
  }
}

import {
  BadRequestException,
  Body,
  Controller,
  Get,
  NotFoundException,
  Param,
  Put,
  Res,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { CACHE_LAYER_HEADER, CacheLayerService } from '../cache-layer/cache-layer.service.js';
import { CartsService, type Cart } from './carts.service.js';

@Controller('carts')
export class CartsController {
  constructor(
    private readonly carts: CartsService,
    private readonly layers: CacheLayerService,
  ) {}

  @Get(':visitor')
  async find(
    @Param('visitor') visitor: string,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<Cart> {
    const { value: cart, layer } = await this.layers.observe(() => this.carts.find(visitor));
    if (cart === undefined) throw new NotFoundException(`There is no cart of ${visitor}.`);
    response.setHeader(CACHE_LAYER_HEADER, layer);
    return cart;
  }

  /** Answers when the cart is on disk. */
  @Put(':visitor')
  async put(@Param('visitor') visitor: string, @Body() body: Partial<Cart>): Promise<Cart> {
    if (!Array.isArray(body?.items)) throw new BadRequestException('Send { items: [...] }.');
    const cart = { items: body.items };
    await this.carts.put(visitor, cart);
    return cart;
  }
}

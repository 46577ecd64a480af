import { BadGatewayException, Controller, Get, Param, ParseIntPipe } from '@nestjs/common';
import { HyperCache, type WrappedEntry } from 'nestjs-hypercache';
import { OriginService, type Price } from './origin.service.js';

const TTL = '1s';

/** The same prices twice: with a ttl alone, and with the policies that make a cached value useful for longer. */
@Controller()
export class PricesController {
  constructor(
    private readonly cache: HyperCache,
    private readonly origin: OriginService,
  ) {}

  @Get('plain/:product')
  async plain(@Param('product', ParseIntPipe) product: number): Promise<Price> {
    try {
      return await this.cache.wrap(`plain:${product}`, () => this.origin.price(product), TTL);
    } catch (error) {
      throw new BadGatewayException((error as Error).message);
    }
  }

  @Get('patient/:product')
  patient(@Param('product', ParseIntPipe) product: number): Promise<WrappedEntry<Price>> {
    return this.cache.wrapEntry(`patient:${product}`, () => this.origin.price(product), {
      ttl: TTL,
      stale: '5s', // answered at once, refreshed in the background
      grace: '1d', // better an old price than none
      softTimeout: 100, // ms; a slower answer is replaced by the old price
      retryAfter: '2s', // a pause after each failure, on all nodes
    });
  }
}

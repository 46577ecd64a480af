import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

export interface Price {
  product: number;
  amount: number;
  readAt: string;
}

/** The origin of a shop's prices: a service of another company, which may be slow, or down. */
@Injectable()
export class OriginService {
  delayMs = 20;
  isDown = false;
  /** Since the start. */
  calls = 0;

  async price(product: number): Promise<Price> {
    this.calls++;
    await delay(this.delayMs);
    if (this.isDown) throw new Error('The origin is down.');
    return { product, amount: 10 + (product % 90), readAt: new Date().toISOString() };
  }
}

import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

/** Where prices come from: as slow, and as often down, as the load says. */
@Injectable()
export class OriginService {
  delayMs = 20;
  /** From 0 to 1. */
  failures = 0;

  async price(product: number): Promise<{ product: number; amount: number }> {
    await delay(this.delayMs);
    if (Math.random() < this.failures) throw new Error('The origin is down.');
    return { product, amount: 10 + (product % 90) };
  }
}

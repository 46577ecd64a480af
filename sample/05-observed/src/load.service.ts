import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';
import { OriginService } from './origin.service.js';

const TICK_MS = 100;
const PRODUCTS = 1000;
const POLICY = { ttl: '2s', stale: '5s', grace: '1m', retryAfter: '1s' } as const;

/** Reads, writes and locks, so that there is something to see. */
@Injectable()
export class LoadService implements OnApplicationBootstrap, OnModuleDestroy {
  readsPerSecond = 200;
  writesPerSecond = 20;
  locksPerSecond = 5;
  /** Calls of this load that failed. */
  failed = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly running = new Set<Promise<unknown>>();

  constructor(
    private readonly cache: HyperCache,
    private readonly origin: OriginService,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Calls that have begun end before the cache is closed. */
  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.running);
  }

  private tick(): void {
    this.repeat(this.readsPerSecond, () => this.read());
    this.repeat(this.writesPerSecond, () => this.write());
    this.repeat(this.locksPerSecond, () => this.lock());
  }

  /** Makes the calls of one tick: its part of the calls of a second. */
  private repeat(perSecond: number, call: () => Promise<unknown>): void {
    const due = (perSecond * TICK_MS) / 1000;
    const count = Math.floor(due) + (Math.random() < due % 1 ? 1 : 0);
    for (let i = 0; i < count; i++) {
      const running = call()
        .catch(() => this.failed++)
        .finally(() => this.running.delete(running));
      this.running.add(running);
    }
  }

  private read(): Promise<unknown> {
    const product = anyProduct();
    return this.cache.wrap(`price:${product}`, () => this.origin.price(product), POLICY);
  }

  private write(): Promise<unknown> {
    const product = anyProduct();
    return Math.random() < 0.9
      ? this.cache.set(`stock:${product}`, { product, left: product % 7 }, { ttl: '1m' })
      : this.cache.del(`stock:${product}`);
  }

  private lock(): Promise<unknown> {
    const lock = this.cache.lock('stocktaking', { ttl: '5s', wait: '1s' });
    return lock.run(() => new Promise((resolve) => setTimeout(resolve, 50)));
  }
}

/** A few products are asked for often, and many seldom. */
function anyProduct(): number {
  return Math.floor(Math.random() ** 3 * PRODUCTS);
}

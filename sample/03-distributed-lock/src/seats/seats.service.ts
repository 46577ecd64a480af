import { Injectable } from '@nestjs/common';
import { HyperCache } from 'nestjs-hypercache';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a payment takes. */
const PAYMENT_MS = 3;

/** Long for a payment, short for the waiters when a worker has died. */
const LOCK_TTL_MS = 5000;

/** How long a buyer waits for a turn. */
const LOCK_WAIT_MS = 30_000;

/** The lock under which something is written, and the token of its grant. */
interface Fence {
  name: string;
  token: number;
}

@Injectable()
export class SeatsService {
  readonly seats = Number(process.env['SEATS'] ?? 20);
  /** To see what the lock is good for. */
  readonly #isUnguarded = process.env['SEATS_WITHOUT_LOCK'] === '1';

  constructor(private readonly cache: HyperCache) {}

  /** Sells one seat: its number, or undefined when none is left. */
  buy(show: string, buyer: string): Promise<number | undefined> {
    if (this.#isUnguarded) return this.#sell(show, buyer);
    const name = `seats:${show}`;
    return this.cache
      .lock(name, { ttl: LOCK_TTL_MS, wait: LOCK_WAIT_MS })
      .run(({ token }) => this.#sell(show, buyer, { name, token }));
  }

  /** In the order of their seats. */
  async buyersOf(show: string): Promise<string[]> {
    // From the file: memory learns with a delay what other processes have written.
    const { value } = await this.cache.getWithRevision<string[]>(`seats:${show}`);
    return value ?? [];
  }

  /**
   * Reads, waits, and writes what it has read and one more: alone it sells a seat, two at a time sell the same
   * one. A worker may be stopped in between for longer than its lease without noticing; the fence refuses its write.
   */
  async #sell(show: string, buyer: string, fence?: Fence): Promise<number | undefined> {
    const buyers = (await this.cache.get<string[]>(`seats:${show}`)) ?? [];
    if (buyers.length >= this.seats) return undefined;
    await delay(PAYMENT_MS);
    await this.cache.set(`seats:${show}`, [...buyers, buyer], { ttl: 0, fence });
    return buyers.length + 1;
  }
}

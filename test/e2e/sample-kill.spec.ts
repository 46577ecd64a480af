import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { Cart } from '../../sample/01-single-node/src/carts/carts.service.js';
import { useSample, type Sample, type SampleAnswer } from '../support/sample.js';

const ROUNDS = 20;
const SEED = 20261122;

const CARTS = ['ann', 'bob', 'cyd', 'dee', 'eve', 'fay'];
const VIEWED = [1, 2];
const VIEWERS_PER_PRODUCT = 2;
const EDITED = [3, 4];
const WARM = Array.from({ length: 20 }, (_, i) => 101 + i);

/** How far each writer came: every write carries the next number. */
class Ledger {
  readonly #sent = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();

  next(what: string): number {
    const number = (this.#sent.get(what) ?? 0) + 1;
    this.#sent.set(what, number);
    return number;
  }

  /** For writers of which several count the same thing. */
  acknowledgeOne(what: string): void {
    this.acknowledge(what, this.acknowledged(what) + 1);
  }

  acknowledge(what: string, number: number): void {
    this.#acknowledged.set(what, number);
  }

  acknowledged(what: string): number {
    return this.#acknowledged.get(what) ?? 0;
  }

  /** What was acknowledged is there; what was only sent may be. */
  expectWithin(what: string, number: number, round: number): void {
    const bounds = { what, round, lost: number < this.acknowledged(what) };
    expect(bounds).toEqual({ what, round, lost: false });
    expect(number).toBeLessThanOrEqual(this.#sent.get(what) ?? 0);
  }
}

/** Writes as fast as the sample answers, until it is killed after so many acknowledged writes. */
class Load {
  #isKilled = false;
  #left: number;
  #killed: Promise<void> = Promise.resolve();

  constructor(
    private readonly sample: Sample,
    private readonly ledger: Ledger,
    killAfter: number,
  ) {
    this.#left = killAfter;
  }

  async run(): Promise<void> {
    await Promise.all([
      ...CARTS.map((visitor) => this.#writeCart(visitor)),
      ...VIEWED.flatMap((id) =>
        Array.from({ length: VIEWERS_PER_PRODUCT }, () => this.#countViews(id)),
      ),
      ...EDITED.map((id) => this.#edit(id)),
    ]);
    await this.#killed;
  }

  async #writeCart(visitor: string): Promise<void> {
    const what = `cart ${visitor}`;
    for (;;) {
      const quantity = this.ledger.next(what);
      const items = [{ productId: 7, quantity }];
      if (!(await this.#send('PUT', `/carts/${visitor}`, { items }))) return;
      this.#acknowledge(() => this.ledger.acknowledge(what, quantity));
    }
  }

  async #countViews(id: number): Promise<void> {
    const what = `views ${id}`;
    for (;;) {
      this.ledger.next(what);
      if (!(await this.#send('POST', `/products/${id}/views`))) return;
      this.#acknowledge(() => this.ledger.acknowledgeOne(what));
    }
  }

  async #edit(id: number): Promise<void> {
    const what = `price ${id}`;
    for (;;) {
      const priceCents = this.ledger.next(what);
      if (!(await this.#send('PATCH', `/products/${id}`, { priceCents }))) return;
      this.#acknowledge(() => this.ledger.acknowledge(what, priceCents));
      // Caches the page anew, so that there is something for the next edit to drop.
      const page = await this.#send('GET', `/products/${id}`);
      if (page === undefined) return;
      expect(page.body).toMatchObject({ priceCents });
    }
  }

  /** Undefined once the sample is dead. */
  async #send(method: string, path: string, body?: unknown): Promise<SampleAnswer | undefined> {
    let answer: SampleAnswer;
    try {
      answer = await this.sample.send(method, path, body);
    } catch (error) {
      if (this.#isKilled) return undefined;
      throw error;
    }
    expect(answer).toMatchObject({ status: 200 });
    return answer;
  }

  #acknowledge(note: () => void): void {
    note();
    if (--this.#left > 0 || this.#isKilled) return;
    this.#isKilled = true;
    this.#killed = this.sample.stop('SIGKILL');
  }
}

async function expectWarm(sample: Sample, round: number): Promise<void> {
  for (const id of WARM) {
    const { status, layer } = await sample.get(`/products/${id}`);
    expect({ round, id, status, layer }).toEqual({ round, id, status: 200, layer: 'l2' });
  }
  expect((await sample.stats()).origin.reads).toBe(0);
}

async function expectAcknowledged(sample: Sample, ledger: Ledger, round: number): Promise<void> {
  for (const visitor of CARTS) {
    if (ledger.acknowledged(`cart ${visitor}`) === 0) continue;
    const { layer, body } = await sample.get(`/carts/${visitor}`);
    expect(layer).toBe('l2');
    const [item] = (body as Cart).items;
    ledger.expectWithin(`cart ${visitor}`, item?.quantity ?? 0, round);
  }
  for (const id of VIEWED) {
    const { body } = await sample.get(`/products/${id}/views`);
    ledger.expectWithin(`views ${id}`, (body as { views: number }).views, round);
  }
  for (const id of EDITED) {
    if (ledger.acknowledged(`price ${id}`) === 0) continue;
    const { body } = await sample.get(`/products/${id}`);
    ledger.expectWithin(`price ${id}`, (body as { priceCents: number }).priceCents, round);
  }
}

describe('kill -9 of the sample under load', () => {
  const { start, directory } = useSample();

  it(`loses no acknowledged write in ${ROUNDS} rounds, and answers from the file at once`, async () => {
    const home = directory();
    const random = seededRandom(SEED);
    const ledger = new Ledger();
    let sample = await start(home);
    let { epoch } = (await sample.stats()).cache;
    for (const id of WARM) await sample.get(`/products/${id}`);

    for (let round = 1; round <= ROUNDS; round++) {
      await new Load(sample, ledger, 1 + Math.floor(random() * 400)).run();

      sample = await start(home);

      await expectWarm(sample, round);
      await expectAcknowledged(sample, ledger, round);
      // Each start begins a new epoch.
      const { epoch: next } = (await sample.stats()).cache;
      expect(next).toBeGreaterThan(epoch);
      epoch = next;
    }

    await sample.stop();
    const database = new Database(join(home, 'cache', 'hypercache.sqlite'), { readonly: true });
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  }, 300_000);
});

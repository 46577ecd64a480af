import { afterEach, describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { campaign } from '../support/campaign.js';
import { eventually } from '../support/eventually.js';
import { PROGRAM, sessionsOf, useRedis } from '../support/redis-nodes.js';
import { TcpProxy, type NetworkFault } from '../support/tcp-proxy.js';

const STALE_BOUND_MS = 500;
/** Of the timers of a machine that is busy. */
const MARGIN_MS = 100;
const FAULT_MS = 1200 * campaign.factor;

const FAULTS: readonly (readonly [name: string, fault: NetworkFault, endsLink: boolean])[] = [
  ['swallows what comes from the server', { kind: 'oneWay', to: 'primary' }, true],
  ['swallows what goes to the server', { kind: 'oneWay', to: 'secondary' }, true],
  ['is half open', { kind: 'halfOpen' }, true],
  ['cuts inside replies', { kind: 'killInside', share: 0.01 }, true],
  ['delays', { kind: 'delay', ms: 20 }, false],
  ['splits', { kind: 'split', mostBytes: 7 }, false],
];

/** What another node saw of a counter that one increments. */
class Watch {
  readonly #storedAt: number[] = [];
  #isOver = false;
  stalest = 0;
  hits = 0;
  /** Of the last hit, in ms of {@link performance.now}. */
  lastHitAt = 0;
  wentBack = 0;

  async write(node: HyperCacheNode, pauseMs: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      try {
        await node.cache('n').set('key', n);
        this.#storedAt[n] = performance.now();
      } catch {
        // It may have been stored all the same: the next one is.
      }
      await delay(pauseMs);
    }
  }

  /** Reads as fast as memory answers. */
  async read(node: HyperCacheNode): Promise<void> {
    let last = -1;
    while (!this.#isOver) {
      await nextTurn();
      const found = node.cache('n').get('key');
      const isHit = !(found instanceof Promise);
      const value = isHit ? found : await found;
      if (typeof value !== 'number') continue;
      if (value < last) this.wentBack++;
      last = value;
      if (isHit) this.#hit(value);
    }
  }

  end(): void {
    this.#isOver = true;
  }

  #hit(value: number): void {
    const now = performance.now();
    this.hits++;
    this.lastHitAt = now;
    const overwrittenAt = this.#storedAt.find((at, n) => n > value && at !== undefined) ?? now;
    this.stalest = Math.max(this.stalest, now - overwrittenAt);
  }
}

(PROGRAM === undefined ? describe.skip : describe)('Memory over a server', () => {
  const cluster = useRedis();
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  it.each(FAULTS)(
    'is never older than its bound when the network %s',
    async (name, fault, ends) => {
      const proxy = await TcpProxy.open(cluster.server.port, campaign.seed);
      proxies.push(proxy);
      const near = await cluster.node();
      const far = await cluster.node({
        url: `redis://127.0.0.1:${proxy.port}`,
        staleBound: STALE_BOUND_MS,
        timeout: STALE_BOUND_MS,
      });
      const watch = new Watch();
      const running = Promise.all([watch.write(near, 5), watch.read(far)]);
      await eventually(() => expect(watch.hits).toBeGreaterThan(100));
      const sessions = await sessionsOf(far);
      await proxy.begin(fault);
      await delay(FAULT_MS);
      await proxy.heal();
      const { hits } = watch;
      await eventually(() => expect(watch.hits).toBeGreaterThan(hits + 100));
      watch.end();
      await running;

      report(name, watch);
      expect(watch.stalest).toBeLessThanOrEqual(STALE_BOUND_MS + MARGIN_MS);
      expect(watch.wentBack).toBe(0);
      expect((await sessionsOf(far)) > sessions).toBe(ends);
    },
  );

  it('is not believed for longer than its bound while the server is stopped', async () => {
    const [one, other] = [await cluster.node(), await cluster.node()];
    const watch = new Watch();
    const running = Promise.all([watch.write(one, 5), watch.read(other)]);
    await eventually(() => expect(watch.hits).toBeGreaterThan(100));
    const stoppedAt = performance.now();
    cluster.server.signal('SIGSTOP');
    await delay(3000);
    const lastHit = watch.lastHitAt - stoppedAt;
    cluster.server.signal('SIGCONT');
    const { hits } = watch;
    await eventually(() => expect(watch.hits).toBeGreaterThan(hits + 100));
    watch.end();
    await running;

    report('stopped', watch, `last hit ${Math.round(lastHit)} ms after the stop`);
    expect(lastHit).toBeLessThanOrEqual(2000 + MARGIN_MS);
    expect(watch.stalest).toBeLessThanOrEqual(2000 + MARGIN_MS);
    expect(watch.wentBack).toBe(0);
  });

  it('is empty when a connection is killed, and fills again', async () => {
    const [one, other] = [await cluster.node(), await cluster.node()];
    const watch = new Watch();
    const running = Promise.all([watch.write(one, 2), watch.read(other)]);
    for (let kills = 0; kills < 5 * campaign.factor; kills++) {
      const { hits } = watch;
      await eventually(() => expect(watch.hits).toBeGreaterThan(hits + 50));
      cluster.server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    const { hits } = watch;
    await eventually(() => expect(watch.hits).toBeGreaterThan(hits + 50));
    watch.end();
    await running;

    report('killed', watch);
    expect(watch.stalest).toBeLessThanOrEqual(MARGIN_MS);
    expect(watch.wentBack).toBe(0);
  });

  it('does not let a start wait for what does not answer', async () => {
    const proxy = await TcpProxy.open(cluster.server.port, campaign.seed);
    proxies.push(proxy);
    await proxy.begin({ kind: 'halfOpen' });

    const starting = cluster.node({ url: `redis://127.0.0.1:${proxy.port}`, timeout: 200 });

    await expect(starting).rejects.toMatchObject({ code: 'HC_SERVER_UNREACHABLE' });
  });
});

function report(name: string, { hits, stalest }: Watch, more = ''): void {
  if (!campaign.isReported) return;
  process.stderr.write(`${name}: ${hits} hits, the stalest ${stalest.toFixed(2)} ms ${more}\n`);
}

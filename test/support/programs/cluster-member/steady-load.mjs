import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

const TICK_MS = 20;
/** A node that is cut off holds its callers back: no more than these wait. */
const MOST_UNDERWAY = 200;
const KEYS = 2000;
const TTL_MS = 5000;

/** Every kind of work at a constant pace, on a fixed number of keys: whatever grows, it is not what is asked for. */
export class SteadyLoad {
  #timer;
  #underway = new Set();
  #n = 0;
  #done = 0;
  #codes = {};
  #unexpected = [];

  constructor(cache, name, directory) {
    this.cache = cache;
    this.name = name;
    this.directory = directory;
    setFlagsFromString('--expose-gc');
    this.collect = runInNewContext('gc');
  }

  begin(perSecond) {
    const share = (perSecond * TICK_MS) / 1000;
    this.#timer = setInterval(() => {
      for (let i = 0; i < share && this.#underway.size < MOST_UNDERWAY; i++) this.#start();
    }, TICK_MS);
  }

  async end() {
    clearInterval(this.#timer);
    await Promise.all(this.#underway);
    return this.report();
  }

  report() {
    return { done: this.#done, codes: this.#codes, unexpected: this.#unexpected };
  }

  /** What the process holds once the garbage is gone, in bytes and numbers. */
  async sample() {
    this.collect();
    this.collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    const sizeOf = (suffix) =>
      stat(join(this.directory, `hypercache.sqlite${suffix}`)).then(
        ({ size }) => size,
        () => 0,
      );
    const resources = process.getActiveResourcesInfo();
    const timers = resources.filter((type) => type === 'Timeout' || type === 'Immediate').length;
    return {
      heap: heapUsed + external,
      rss,
      file: await sizeOf(''),
      wal: await sizeOf('-wal'),
      handles: resources.length - timers,
      timers,
    };
  }

  #start() {
    const work = this.#work(this.#n++)
      .then(
        () => this.#done++,
        (error) => this.#note(error),
      )
      .finally(() => this.#underway.delete(work));
    this.#underway.add(work);
  }

  #note(error) {
    if (error.code === undefined) this.#unexpected.push(String(error.stack));
    else this.#codes[error.code] = (this.#codes[error.code] ?? 0) + 1;
  }

  async #work(n) {
    const { cache } = this;
    const key = `key${(n * 7919) % KEYS}`;
    const value = { by: this.name, n, text: 'x'.repeat(n % 200) };
    switch (n % 20) {
      case 0:
        return cache.del(key);
      case 1:
        return cache.set(key, value, { ttl: TTL_MS, tags: [`tag${n % 10}`] });
      case 2:
        return cache.set(`short${n % KEYS}`, value, { ttl: TTL_MS });
      case 3:
        return cache.increment(`count${n % 20}`);
      case 4:
        return cache.wrap(`wrapped${n % 50}`, () => value, { ttl: TTL_MS });
      case 5:
        return cache.lock(`lock${n % 10}`, { ttl: 1000 }).tryRun(() => cache.get(key));
      case 6:
        return n % 1000 === 6 ? cache.delByTag(`tag${n % 10}`) : cache.add(key, value);
      case 7:
        return cache.mget([key, 'key1', 'key2']);
      default:
        return n % 3 === 0 ? cache.set(key, value) : cache.get(key);
    }
  }
}

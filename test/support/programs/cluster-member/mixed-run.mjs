import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

const HOUR = 3_600_000;

/**
 * All verbs on shared keys, by several workers at a time. What was written and read is noted in a file for the
 * parent to judge: a line is [kind, key, id of the value, revision, tick of the call, tick of the answer].
 */
export class MixedRun {
  #tick = 0;
  #sequence = 0;
  #lines = [];
  #increments = {};
  #locked = 0;
  #performed = {};
  #codes = {};

  constructor(node, name, { operations, workers, keys, file, seed }) {
    this.cache = node.cache('default');
    this.second = node.cache('second');
    this.node = node;
    this.name = name;
    this.operations = operations;
    this.workers = workers;
    this.keys = keys;
    this.file = file;
    this.state = seed;
  }

  async perform() {
    const startedAt = performance.now();
    let left = this.operations;
    const work = async () => {
      while (left-- > 0) {
        const [kind, weight] = this.#pick();
        this.#performed[kind] = (this.#performed[kind] ?? 0) + weight;
        try {
          await this.#operations[kind].call(this);
        } catch (error) {
          if (error.code === undefined) throw error;
          this.#codes[error.code] = (this.#codes[error.code] ?? 0) + 1;
        }
      }
    };
    await Promise.all(Array.from({ length: this.workers }, work));
    const ms = performance.now() - startedAt;
    const out = createWriteStream(this.file);
    for (let i = 0; i < this.#lines.length; i += 10_000) {
      const chunk = this.#lines.slice(i, i + 10_000).map((line) => JSON.stringify(line));
      if (!out.write(`${chunk.join('\n')}\n`)) await once(out, 'drain');
    }
    out.end();
    await once(out, 'close');
    return {
      ms,
      increments: this.#increments,
      locked: this.#locked,
      performed: this.#performed,
      codes: this.#codes,
    };
  }

  /** Mulberry32. */
  #random() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  #pick() {
    let at = this.#random() * TOTAL;
    for (const [kind, weight] of Object.entries(WEIGHTS)) {
      at -= weight;
      if (at < 0) return [kind, 1];
    }
    return ['get', 1];
  }

  #key(prefix) {
    return `${prefix}${Math.floor(this.#random() * this.keys)}`;
  }

  #value() {
    const id = `${this.name}-${++this.#sequence}`;
    return { id, padding: 'x'.repeat(Math.floor(this.#random() * 60)) };
  }

  #note(kind, key, id, revision, calledAt) {
    this.#lines.push([kind, key, id, revision, calledAt, ++this.#tick]);
  }

  async #read(cache, key) {
    const calledAt = ++this.#tick;
    const value = await cache.get(key);
    this.#note('read', `${cache.namespace}/${key}`, value?.id ?? null, null, calledAt);
  }

  async #set(cache, key, options) {
    const value = this.#value();
    const calledAt = ++this.#tick;
    // An asynchronous write does not yet know its own.
    const revision = (await cache.set(key, value, { ttl: HOUR, ...options })) || null;
    this.#note('write', `${cache.namespace}/${key}`, value.id, revision, calledAt);
  }

  /** Keys that start with "s" are never deleted, those with "d" are, those with "e" expire soon. */
  #operations = {
    get: () => this.#read(this.cache, this.#key(this.#random() < 0.5 ? 's' : 'd')),
    getSecond: () => this.#read(this.second, this.#key('k')),
    getWithRevision: async () => {
      const key = this.#key(this.#random() < 0.5 ? 's' : 'd');
      const calledAt = ++this.#tick;
      const { value, revision } = await this.cache.getWithRevision(key);
      this.#note('read', `default/${key}`, value?.id ?? null, revision, calledAt);
    },
    has: async () => {
      await this.cache.has(this.#key('d'));
    },
    mget: async () => {
      const keys = [this.#key('s'), this.#key('d'), this.#key('s')];
      const calledAt = ++this.#tick;
      const values = await this.cache.mget(keys);
      for (const [i, key] of keys.entries()) {
        this.#note('read', `default/${key}`, values[i]?.id ?? null, null, calledAt);
      }
    },
    set: () => this.#set(this.cache, this.#key('s')),
    setDeletable: () => this.#set(this.cache, this.#key('d'), this.#someTags()),
    setSecond: () => this.#set(this.second, this.#key('k')),
    setShort: async () => {
      await this.cache.set(this.#key('e'), this.#value(), { ttl: 1 + this.#random() * 300 });
    },
    mset: async () => {
      const keys = [this.#key('s'), this.#key('d'), this.#key('s')];
      const entries = keys.map((key) => ({ key, value: this.#value(), ttl: HOUR }));
      const calledAt = ++this.#tick;
      await this.cache.mset(entries);
      for (const { key, value } of entries) {
        this.#note('write', `default/${key}`, value.id, null, calledAt);
      }
    },
    add: async () => {
      await this.cache.add(this.#key('d'), this.#value(), { ttl: HOUR });
    },
    setIf: async () => {
      const key = this.#key('s');
      const { revision: seen } = await this.cache.getWithRevision(key);
      const value = this.#value();
      const calledAt = ++this.#tick;
      const { stored, revision } = await this.cache.setIf(key, value, seen, { ttl: HOUR });
      if (stored) this.#note('write', `default/${key}`, value.id, revision, calledAt);
    },
    increment: async () => {
      const key = `counter${Math.floor(this.#random() * 5)}`;
      const by = 1 + Math.floor(this.#random() * 9);
      const calledAt = ++this.#tick;
      const value = await this.cache.increment(key, by);
      this.#increments[key] = (this.#increments[key] ?? 0) + by;
      this.#note('count', key, null, value, calledAt);
      const readAt = ++this.#tick;
      this.#note('count', key, null, await this.cache.get(key), readAt);
    },
    touch: async () => {
      await this.cache.touch(this.#key(this.#random() < 0.5 ? 's' : 'd'), HOUR);
    },
    del: () => this.#remove('d', (key) => this.cache.delete(key)),
    mdel: () => this.#remove('d', (key) => this.cache.mdelete([key, this.#key('d')])),
    pull: () => this.#remove('d', (key) => this.cache.pull(key)),
    delByPrefix: () => this.#remove('d', (key) => this.cache.deletePrefix(key.slice(0, 2))),
    delByTag: async () => {
      await this.cache.deleteTag(`tag${Math.floor(this.#random() * 20)}`);
    },
    clear: async () => {
      const key = this.#key('k');
      const calledAt = ++this.#tick;
      await this.second.clear();
      this.#note('gone', `second/${key}`, null, null, calledAt);
    },
    wrap: async () => {
      await this.cache.wrap(this.#key('d'), () => this.#value(), { ttl: HOUR });
    },
    ttl: async () => {
      await this.cache.expiresAt(this.#key('e'));
    },
    lock: async () => {
      const lock = this.node.locks.lock(`lock${Math.floor(this.#random() * 3)}`, { ttl: 30_000 });
      const ran = await lock.tryRun(
        async () => {
          const before = (await this.cache.get(`locked-${lock.name}`)) ?? 0;
          await this.cache.set(`locked-${lock.name}`, before + 1);
          return true;
        },
        { wait: this.#random() < 0.7 ? 20_000 : 0 },
      );
      if (ran) this.#locked++;
    },
  };

  async #remove(prefix, remove) {
    const key = this.#key(prefix);
    const calledAt = ++this.#tick;
    await remove(key);
    this.#note('gone', `default/${key}`, null, null, calledAt);
  }

  #someTags() {
    const tag = () => `tag${Math.floor(this.#random() * 20)}`;
    return this.#random() < 0.5 ? { tags: [tag(), tag()] } : {};
  }
}

const WEIGHTS = {
  get: 300,
  getSecond: 60,
  getWithRevision: 60,
  has: 30,
  mget: 40,
  set: 120,
  setDeletable: 80,
  setSecond: 40,
  setShort: 20,
  mset: 30,
  add: 20,
  setIf: 30,
  increment: 50,
  touch: 20,
  del: 30,
  mdel: 10,
  pull: 10,
  delByPrefix: 2,
  delByTag: 5,
  clear: 1,
  wrap: 20,
  ttl: 20,
  lock: 4,
};
const TOTAL = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight);

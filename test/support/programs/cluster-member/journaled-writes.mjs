import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Before a refused writer tries again, and between two writes: others have to have their turn. */
const PAUSE_MS = 2;

/**
 * Writers that never stop, whatever happens. Each step is in a file before the next, so that what a process that is
 * killed was told is known: a line is `? id verb key n` when a write is called, `+ id` when it has resolved and
 * `- id code` when it was refused; `! run` begins a new process.
 *
 * Keys of which one writer of one node writes ever larger numbers: `own/<node>/<i>`, for this node alone, and
 * `shared/<i>`, which all nodes write; `unique/<node>/<run>/<i>`, written once and sometimes deleted; and the
 * counter `count/<node>`.
 */
export class JournaledWrites {
  #file;
  #id = 0;
  #running = [];
  #isOver = false;
  acknowledged = 0;
  /** By key and writer, the largest number that was seen. */
  #seen = new Map();
  #current = new Map();
  #violations = [];

  constructor(cache, name) {
    this.cache = cache;
    this.name = name;
  }

  /** @param run one more than the last time, over all processes of this node */
  begin({ file, run, keys = 4, readsNodes = [] }) {
    this.#isOver = false;
    this.#file = openSync(file, 'a');
    this.#note(`! ${run}`);
    const first = run * 1_000_000;
    const range = Array.from({ length: keys }, (_, i) => i);
    this.#running = [
      ...range.map((i) => this.#writeNumbers(`own/${this.name}/${i}`, first)),
      ...range.map((i) => this.#writeNumbers(`shared/${i}`, first)),
      ...range.slice(0, 2).map((i) => this.#writeUnique(`unique/${this.name}/${run}/${i}`)),
      ...range.slice(0, 2).map(() => this.#increment(`count/${this.name}`)),
      this.#read([
        ...range.map((i) => `shared/${i}`),
        ...readsNodes.flatMap((node) => range.map((i) => `own/${node}/${i}`)),
      ]),
    ];
  }

  async end() {
    this.#isOver = true;
    await Promise.all(this.#running);
    closeSync(this.#file);
    return this.#violations.splice(0);
  }

  #note(line) {
    writeSync(this.#file, `${line}\n`);
  }

  async #perform(verb, key, n, write) {
    const id = ++this.#id;
    this.#note(`? ${id} ${verb} ${key} ${n}`);
    try {
      await write();
      this.#note(`+ ${id}`);
      this.acknowledged++;
    } catch (error) {
      if (error.code === undefined) throw error;
      this.#note(`- ${id} ${error.code}`);
    }
    await delay(PAUSE_MS);
  }

  async #writeNumbers(key, first) {
    for (let n = first; !this.#isOver; n++) {
      await this.#perform('set', key, n, () => this.cache.set(key, { by: this.name, n }));
    }
  }

  async #writeUnique(prefix) {
    for (let n = 0; !this.#isOver; n++) {
      const key = `${prefix}/${n}`;
      await this.#perform('set', key, n, () => this.cache.set(key, { by: this.name, n }));
      if (n % 4 === 0) await this.#perform('del', key, n, () => this.cache.del(key));
    }
  }

  async #increment(key) {
    while (!this.#isOver) {
      await this.#perform('add', key, 1, () => this.cache.increment(key));
    }
  }

  /**
   * What others have written never goes back, as seen from here; on the primary, where nothing is shown before it is
   * done, what was overwritten never comes again.
   */
  async #read(keys) {
    while (!this.#isOver) {
      const values = await this.cache.mget(keys);
      for (const [i, value] of values.entries()) {
        if (value === undefined) continue;
        const { by, n } = value;
        const key = keys[i];
        const isOther = this.#current.get(key) !== `${by} ${n}`;
        this.#current.set(key, `${by} ${n}`);
        if (by === this.name) continue;
        const id = `${key} by ${by}`;
        const before = this.#seen.get(id) ?? -1;
        if (n < before) this.#violations.push(`${this.name}: ${id} went from ${before} to ${n}`);
        else this.#seen.set(id, n);
        if (this.name === 'primary' && isOther && n === before) {
          this.#violations.push(`${this.name}: ${id} was overwritten, and is ${n} again`);
        }
      }
      await delay(PAUSE_MS);
    }
  }
}

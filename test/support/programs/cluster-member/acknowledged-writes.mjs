import { writeFileSync } from 'node:fs';

/** Writers that never stop, whatever happens to the primary; what was acknowledged is remembered. */
export class AcknowledgedWrites {
  acknowledged = 0;
  #keys = [];
  #increments = 0;
  #unknown = 0;
  #codes = new Set();
  #running = [];
  #isOver = false;

  constructor(cache, name) {
    this.cache = cache;
    this.name = name;
  }

  begin(concurrency) {
    this.#running = Array.from({ length: concurrency }, (_, writer) => this.#write(writer));
  }

  /** Writes the keys that were acknowledged to a file, a line each: the value of a key is the key. */
  async end(file) {
    this.#isOver = true;
    await Promise.all(this.#running);
    writeFileSync(file, this.#keys.join('\n'));
    const { acknowledged } = this;
    const increments = this.#increments;
    return { acknowledged, increments, unknown: this.#unknown, codes: [...this.#codes] };
  }

  async #write(writer) {
    for (let i = 0; !this.#isOver; i++) {
      const key = `${this.name}/${writer}/${i}`;
      const isCounted = i % 4 === 0;
      try {
        if (isCounted) {
          await this.cache.increment('counter');
          this.#increments++;
        } else {
          await this.cache.set(key, key);
          this.#keys.push(key);
          const own = await this.cache.get(key);
          if (own !== key) throw new Error(`${key} was acknowledged, and is ${own} here.`);
        }
        this.acknowledged++;
      } catch (error) {
        if (error.code === undefined) throw error;
        if (isCounted) this.#unknown++;
        this.#codes.add(error.code);
        // A refusal may come at once: others have to have their turn.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
}

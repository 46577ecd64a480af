import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../parent.mjs';

const LOCK = 'contended';
/** Short, so that leases whose holders are not heard end within a fault. */
const TTL_MS = 350;
const WAIT_MS = 1000;
/** Between two looks at whether the lease still counts. */
const LOOK_MS = 2;
/** A holder releases after so long, extends once before, or lets the lease end. */
const HELD_MS = 15;

/** One who takes a lock again and again, and notes from when until when he was sure of it. Times are shared by all processes. */
export class LockRun {
  #isOver = false;
  #running;
  #held = [];
  #codes = {};
  grants = 0;

  constructor(cache) {
    this.cache = cache;
  }

  begin() {
    this.#isOver = false;
    this.#running = [this.#run(0), this.#run(1)];
  }

  /** What was held: `[token, from, until]` each; and how often somebody was told what. */
  async end() {
    this.#isOver = true;
    await Promise.all(this.#running);
    return { held: this.#held.splice(0), codes: this.#codes };
  }

  async #run(style) {
    for (let i = 0; !this.#isOver; i++) {
      const lock = this.cache.lock(LOCK, { ttl: TTL_MS });
      try {
        // With and without waiting; a handle is used again after a failure, as an application would.
        const wait = (i + style) % 3 === 0 ? 0 : WAIT_MS;
        if (await lock.acquire({ wait })) await this.#hold(lock, i);
        else await delay(LOOK_MS);
      } catch (error) {
        if (error.code === undefined) throw error;
        this.#codes[error.code] = (this.#codes[error.code] ?? 0) + 1;
        await delay(LOOK_MS);
      }
    }
  }

  async #hold(lock, i) {
    const from = monotonicMs();
    const { token, signal } = lock;
    if (token === undefined) return;
    this.grants++;
    let until = from;
    const isSure = () => {
      const now = monotonicMs();
      // Asked after the time was taken: what counts then counted before.
      if (lock.token !== token || signal.aborted) return false;
      until = now;
      return true;
    };
    const ends = from + HELD_MS;
    let isExtended = i % 3 !== 1;
    try {
      while (isSure() && monotonicMs() < ends) {
        if (!isExtended) {
          isExtended = true;
          await lock.extend(TTL_MS);
        }
        await delay(LOOK_MS);
      }
    } finally {
      this.#held.push([token, from, until]);
      if (i % 8 !== 7) await lock.release();
    }
  }
}

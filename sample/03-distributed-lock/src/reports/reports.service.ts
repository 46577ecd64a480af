import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { HyperCache, WithLock } from 'nestjs-hypercache';
import { setTimeout as delay } from 'node:timers/promises';
import { Journal } from '../journal.js';

/** Every worker has the same schedule. Nightly; the script sets REPORT_CRON to see more of it. */
const SCHEDULE = process.env['REPORT_CRON'] ?? '0 0 3 * * *';

/** How long a report takes. */
const MAKING_MS = 200;

/** Longer than any report: another worker takes over when this one has died. */
const LOCK_TTL_MS = 10_000;

const MARK_TTL_MS = 3_600_000;

@Injectable()
export class ReportsService implements BeforeApplicationShutdown {
  #running: Promise<void> | undefined;

  constructor(
    private readonly cache: HyperCache,
    private readonly journal: Journal,
  ) {}

  /** Every worker wakes on time: this is how the script knows that the others skipped the report. */
  @Cron(SCHEDULE)
  wake(): void {
    this.journal.note({ kind: 'woke', second: currentSecond() });
  }

  /** One worker makes the report; a worker that finds the lock held does nothing. */
  @WithLock('report', { ttl: LOCK_TTL_MS, skipIfHeld: true })
  @Cron(SCHEDULE)
  async makeOnce(): Promise<void> {
    const second = currentSecond();
    // The lock keeps two reports from being made at once. A worker whose timer is later than the report takes
    // finds the lock free again: the mark says that this report has been made.
    if (!(await this.cache.add(`report:${second}`, process.pid, MARK_TTL_MS))) return;
    this.#running = this.#make(second);
    await this.#running;
  }

  /** A report that is being made is finished before the cache is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#running;
  }

  async #make(second: number): Promise<void> {
    this.journal.note({ kind: 'making', second });
    await delay(MAKING_MS);
    this.journal.note({ kind: 'made', second });
  }
}

function currentSecond(): number {
  return Math.floor(Date.now() / 1000);
}

import type { Clock } from './clock.js';
import type { HyperCacheError, HyperCacheErrorCode } from './errors.js';
import type { CacheEvents } from './events.js';
import type { HyperCacheLogger } from './logger.js';

/** At most one line per code in this time; incidents in between are counted. */
const LINE_INTERVAL_MS = 10_000;

const MINUTE_MS = 60_000;
const MAX_RECENT = 1000;

/**
 * Receives the errors that no caller sees. It turns them into an event, a counter, and a log line that a failing disk cannot
 * turn into a flood.
 *
 * @internal
 */
export class IncidentLog {
  readonly #lines = new Map<HyperCacheErrorCode, { at: number; held: number }>();
  #count = 0;
  /** When the recent incidents happened, in monotonic ms, oldest first. */
  #recent: number[] = [];
  #lastCode: HyperCacheErrorCode | undefined;

  constructor(
    private readonly events: CacheEvents,
    private readonly logger: HyperCacheLogger,
    private readonly clock: Clock,
  ) {}

  /** Incidents since the start. */
  get count(): number {
    return this.#count;
  }

  /** How many incidents the last minute had, counted up to 1,000; and the code of the last incident. */
  get recent(): { lastMinute: number; lastCode: HyperCacheErrorCode | undefined } {
    const since = this.clock.monotonic() - MINUTE_MS;
    this.#recent = this.#recent.filter((at) => at > since);
    const lastMinute = this.#recent.length;
    return { lastMinute, lastCode: lastMinute === 0 ? undefined : this.#lastCode };
  }

  /** @param during the operation, such as 'reading' */
  report(error: HyperCacheError, during: string): void {
    this.#count++;
    this.#lastCode = error.code;
    this.events.emit('error', { error, during });
    const now = this.clock.monotonic();
    this.#recent.push(now);
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
    const line = this.#lines.get(error.code);
    if (line !== undefined && now - line.at < LINE_INTERVAL_MS) {
      line.held++;
      return;
    }
    this.#lines.set(error.code, { at: now, held: 0 });
    const held =
      line !== undefined && line.held > 0 ? ` (${line.held} more since the last line)` : '';
    this.logger.error(`${error.code} while ${during}: ${error.message}${held}`);
  }
}

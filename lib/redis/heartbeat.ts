import { HyperCacheError } from '../common/errors.js';
import type { RemoteClock } from '../common/remote-clock.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import type { ClientLink } from './client-link.js';
import { unixMsOf } from './probe.js';
import type { RedisCoherence } from './redis-coherence.js';

/** The pause between two requests, in ms. Memory stays trusted for several pauses. */
const INTERVAL_MS = 250;

/** A larger difference from the expected time, in ms, means that the clock was set. */
const STEP_MS = 1000;

/** @internal */
export interface HeartbeatParts {
  readonly link: ClientLink;
  readonly clock: RemoteClock;
  readonly coherence: Pick<RedisCoherence, 'hear'>;
  readonly report: (error: HyperCacheError, during: string) => void;
}

/**
 * Asks the server for its time and its role. This reads the server's clock, keeps memory trusted, and detects a demoted master.
 *
 * @internal
 */
export class Heartbeat {
  #timer: NodeJS.Timeout | undefined;
  #roundTripMs: number | undefined;

  constructor(private readonly parts: HeartbeatParts) {}

  /** The round trip of the last request; undefined before the first reply. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#beat()
        // The link reports its own failures, and fails all calls that wait.
        .catch(() => undefined)
        .finally(() => {
          if (this.#timer !== undefined) this.#schedule();
        });
    }, INTERVAL_MS).unref();
  }

  async #beat(): Promise<void> {
    const { link, clock, coherence } = this.parts;
    if (link.state !== 'open') return;
    const { session } = link;
    const sentAt = clock.coarseNow();
    const began = clock.monotonic();
    const [time, role] = await Promise.all([link.call(['TIME']), link.call(['ROLE'])]).catch(
      (error: unknown) => {
        // A script of another program holds the server: all other requests are refused as well.
        if (session === link.session && error instanceof ServerUnreachableError) {
          link.drop('it refuses to say its time');
        }
        throw error;
      },
    );
    if (session !== link.session || link.state !== 'open') return;
    this.#roundTripMs = clock.monotonic() - began;
    if (Array.isArray(role) && String(role[0]) !== 'master') {
      link.drop('it is no longer a master');
      return;
    }
    const now = unixMsOf(time);
    const isSet = Math.abs(now - clock.now()) > STEP_MS + this.#roundTripMs;
    if (isSet) {
      this.parts.report(
        new ServerUnreachableError('its clock was set, by more than a second'),
        'reading the time of the cache server',
      );
      clock.restart(now);
    } else clock.observe(now);
    coherence.hear(isSet ? clock.coarseNow() : sentAt);
  }
}

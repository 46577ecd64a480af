import { HyperCacheError } from '../common/errors.js';
import type { RemoteClock } from '../common/remote-clock.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import type { ClientLink } from './client-link.js';
import { factsOf, unixMsOf } from './probe.js';

/** The pause between two requests, in ms. Memory stays trusted for several pauses. */
const INTERVAL_MS = 250;

/** A larger difference from the expected time, in ms, means that the clock was set. */
const STEP_MS = 1000;

/** @internal */
export interface HeartbeatParts {
  readonly link: ClientLink;
  readonly clock: RemoteClock;
  /** Called for each sign of life. @param sentAt when the answered request was sent, by {@link RemoteClock.coarseNow} */
  readonly hear: (sentAt: number) => void;
  readonly report: (error: HyperCacheError, during: string) => void;
  readonly cluster?: HeartbeatInCluster;
}

/** What is different for a master of a cluster. @internal */
export interface HeartbeatInCluster {
  /** Whether the clock of this master is the clock of the cache. */
  readonly givesTime: () => boolean;
  /** Called with the epoch of the cluster that this master knows. */
  readonly onEpoch: (epoch: number) => void;
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
    const { link, clock, hear, cluster } = this.parts;
    if (link.state !== 'open') return;
    const { session } = link;
    const sentAt = clock.coarseNow();
    const began = clock.monotonic();
    const [time, role, state] = await Promise.all([
      link.call(['TIME']),
      link.call(['ROLE']),
      cluster && link.call(['CLUSTER', 'INFO']),
    ]).catch((error: unknown) => {
      // A script of another program holds the server: all other requests are refused as well.
      if (session === link.session && error instanceof ServerUnreachableError) {
        link.drop('it refuses to say its time');
      }
      throw error;
    });
    if (session !== link.session || link.state !== 'open') return;
    this.#roundTripMs = clock.monotonic() - began;
    if (Array.isArray(role) && String(role[0]) !== 'master') {
      link.drop('it is no longer a master');
      return;
    }
    if (cluster !== undefined) {
      const facts = factsOf(state ?? null);
      cluster.onEpoch(Number(facts.get('cluster_current_epoch')));
      // It may be cut off from the others, which then serve its slots: no sign of life.
      if (facts.get('cluster_state') !== 'ok') return;
    }
    const isSet = (cluster?.givesTime() ?? true) && this.#readClock(unixMsOf(time));
    hear(isSet ? clock.coarseNow() : sentAt);
  }

  /** Returns whether the clock was set. */
  #readClock(now: number): boolean {
    const { clock } = this.parts;
    if (Math.abs(now - clock.now()) <= STEP_MS + (this.#roundTripMs ?? 0)) {
      clock.observe(now);
      return false;
    }
    this.parts.report(
      new ServerUnreachableError('its clock was set, by more than a second'),
      'reading the time of the cache server',
    );
    clock.restart(now);
    return true;
  }
}

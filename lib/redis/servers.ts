import type { HyperCacheError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import type { RemoteClock } from '../common/remote-clock.js';
import type { Enrolment, ServerFacts } from './probe.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';
import type { ResolvedRedisOptions } from './redis-options.js';

/** Bounds of the pauses between attempts to connect, in ms. @internal */
export const FIRST_PAUSE_MS = 50;
/** @internal */
export const LAST_PAUSE_MS = 2000;

/** @internal */
export interface ServersParts {
  readonly options: ResolvedRedisOptions;
  readonly keys: RedisKeys;
  readonly random: Random;
  readonly clock: RemoteClock;
  readonly report: (error: HyperCacheError, during: string) => void;
  /** Called with what each new connection has found, before it is used. */
  readonly onFacts: (facts: ServerFacts) => void;
  readonly onEnrolled: (enrolment: Enrolment) => void;
  /** Called for each sign of life. @param sentAt by {@link RemoteClock.coarseNow} */
  readonly hear: (sentAt: number) => void;
  /** Called when another server process serves than before. */
  readonly onFailover: (address: string) => void;
}

/** The servers of a cache: one, or the masters of a cluster. @internal */
export interface Servers {
  readonly link: RedisLink;
  /** Where the servers are, such as `'10.0.0.7:6379'`. */
  readonly address: string | undefined;
  /** The round trip of the last heartbeat, in ms; the longest one of several masters. */
  readonly roundTripMs: number | undefined;
  /**
   * @param isLazy whether servers that cannot be reached are tried again in the background
   * @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING}
   */
  start(isLazy: boolean): Promise<void>;
  /** Idempotent. */
  close(): void;
}

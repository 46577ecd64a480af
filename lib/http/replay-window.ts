import { join } from 'node:path';
import { systemClock, type Clock } from '../common/clock.js';
import type { HyperCacheError } from '../common/errors.js';
import type { HyperCacheLogger } from '../common/logger.js';
import { systemRandom } from '../common/random.js';
import { directoryOf } from '../node/node-place.js';
import type { ResolvedOptions } from '../node/options.js';
import { NonceFile } from '../sqlite/nonce-file.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { whenFree } from '../sqlite/when-free.js';

/** How far the clocks of two nodes may differ, including the travel time of the request. @internal */
export const REPLAY_WINDOW_MS = 30_000;

/** How long another process may keep the file of nonces locked. */
const BUSY_TIMEOUT_MS = 1000;

const NONCES_NAME = 'hypercache.nonces.sqlite';

/** The interval of log lines that report that the nonces cannot be written. */
const LINE_INTERVAL_MS = 10_000;

/** The signed part of a request. @internal */
export interface SignedClaim {
  readonly nonce: string;
  /** Unix ms. */
  readonly timestamp: number;
  /** The id of the node that the request is for; undefined means the primary. */
  readonly node: string | undefined;
}

/** @internal */
export interface ReplayWindowParts {
  readonly clock: Clock;
  readonly isPrimary: boolean;
  /** The nonces of all processes of the node, which survive restarts. */
  readonly file: NonceFile;
  /** The nonces of this process, which do not depend on the file. */
  readonly memory: NonceFile;
  /** Called when the file cannot be used. */
  readonly onError: (error: HyperCacheError) => void;
}

/**
 * Accepts a signed request once, and only at the node that it is for. Its nonce is remembered in a file that the processes of
 * the node share. While the file cannot be used, each process knows only the requests that it accepted itself.
 *
 * @internal
 */
export class ReplayWindow {
  /** The id from the last time the file was usable. */
  #node: string | undefined;

  constructor(private readonly parts: ReplayWindowParts) {}

  /** The id that signatures must name. */
  get node(): string {
    return this.#node ?? this.parts.memory.node;
  }

  accepts(claim: SignedClaim): boolean | Promise<boolean> {
    const { clock, file } = this.parts;
    let isAccepted = false;
    const ask = (): void => {
      this.#node = file.node;
      isAccepted = this.#isForThisNode(claim) && this.#remember(file, claim);
    };
    // Refused without a trace, as often as it is sent.
    if (Math.abs(clock.now() - claim.timestamp) > REPLAY_WINDOW_MS) return false;
    try {
      const waiting = whenFree(ask, { timeoutMs: BUSY_TIMEOUT_MS });
      if (waiting !== undefined) {
        return waiting.then(
          () => isAccepted && this.#acceptsHere(claim),
          (error: unknown) => this.#acceptsAlone(claim, error),
        );
      }
    } catch (error) {
      return this.#acceptsAlone(claim, error);
    }
    return isAccepted && this.#acceptsHere(claim);
  }

  close(): void {
    this.parts.file.close();
    this.parts.memory.close();
  }

  #isForThisNode({ node }: SignedClaim): boolean {
    return node === undefined ? this.parts.isPrimary : node === this.node;
  }

  #acceptsHere(claim: SignedClaim): boolean {
    return this.#remember(this.parts.memory, claim);
  }

  #acceptsAlone(claim: SignedClaim, error: unknown): boolean {
    this.parts.onError(toStorageError(error));
    return this.#isForThisNode(claim) && this.#acceptsHere(claim);
  }

  #remember(nonces: NonceFile, { nonce, timestamp, node }: SignedClaim): boolean {
    return nonces.remember({ nonce, timestamp, isNamed: node !== undefined });
  }
}

/**
 * Creates the window for a node with these options. It opens nothing before the first signed request.
 *
 * @internal
 */
export function createReplayWindow(
  options: ResolvedOptions,
  logger: HyperCacheLogger,
): ReplayWindow {
  const { role } = options;
  const directory = directoryOf(options);
  const clock = systemClock;
  const shared = { role, since: clock.now(), clock, random: systemRandom };
  let told = Number.NEGATIVE_INFINITY;
  return new ReplayWindow({
    clock,
    isPrimary: role === 'primary',
    file: new NonceFile({
      ...shared,
      path: directory === undefined ? ':memory:' : join(directory, NONCES_NAME),
    }),
    memory: new NonceFile({ ...shared, path: ':memory:' }),
    onError: ({ code, message }) => {
      const now = clock.monotonic();
      if (now - told < LINE_INTERVAL_MS) return;
      told = now;
      logger.error(
        `${code} while remembering signed requests: ${message} Each process now refuses only the requests that it has accepted itself.`,
      );
    },
  });
}

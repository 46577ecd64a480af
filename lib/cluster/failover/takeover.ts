import {
  PrimaryMismatchError,
  SupersededError,
  TwoPrimariesError,
  type HyperCacheError,
} from '../../common/errors.js';
import { Backoff } from '../../common/backoff.js';
import type { Random } from '../../common/random.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import {
  ANCESTORS_META_KEY,
  ancestorsFromWire,
  ancestorsToWire,
  parseAncestors,
  type Ancestor,
} from './ancestry.js';
import { positionOf } from '../wire/exchange.js';
import { Fields, unpackArray } from '../wire/fields.js';
import type { Position } from '../wire/position.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { readAnswer } from '../wire/read-answer.js';
import { pack } from '../wire/wire.js';

/** Names the history that has replaced this one. A primary with this note does not serve. @internal */
export const SUPERSEDED_META_KEY = 'superseded';

/** The address of the former primary, kept until it has confirmed that it is superseded. @internal */
export const FORMER_META_KEY = 'former_primary';

/** The history of a promoted node, and its ancestors. @internal */
export interface Successor {
  readonly historyId: string;
  readonly ancestors: readonly Ancestor[];
}

interface Superseded {
  readonly historyId: string;
  readonly before: readonly string[];
}

/** Returns an error when the history of the storage has ended. @internal */
export function readSuperseded(storage: Storage): SupersededError | undefined {
  const note = storage.readMeta(SUPERSEDED_META_KEY);
  if (note === undefined) return undefined;
  const { historyId } = JSON.parse(note) as Superseded;
  return new SupersededError(
    `${storage.path} holds history ${storage.historyId}, which ended when another node was promoted; history ${historyId} continues it.`,
    "Start this node as role: 'secondary', with the primaryUrl of the promoted node, after `npx --no hypercache adopt`; or empty its sqlitePath first.",
  );
}

/**
 * Records durably that a primary's history has ended.
 *
 * @throws {HC_PRIMARY_MISMATCH} when the other history does not continue this one
 * @throws {HC_TWO_PRIMARIES} when another node was promoted before, and the new successor does not descend from it
 * @internal
 */
export function supersede(storage: Storage, { historyId, ancestors }: Successor): void {
  const before = ancestors.map((ancestor) => ancestor.historyId);
  if (historyId === storage.historyId || !before.includes(storage.historyId)) {
    throw new PrimaryMismatchError(
      `History ${historyId} does not continue ${storage.historyId}.`,
      'Make the address of the former primary lead to that node, or to none.',
    );
  }
  const note = storage.readMeta(SUPERSEDED_META_KEY);
  if (note !== undefined) {
    const known = JSON.parse(note) as Superseded;
    if (known.historyId === historyId || known.before.includes(historyId)) return;
    if (!before.includes(known.historyId)) {
      throw new TwoPrimariesError(
        `Two nodes were promoted in place of ${storage.historyId}: one continues as ${known.historyId}, the other as ${historyId}.`,
        'Stop one of them; its replicas follow the other with a snapshot.',
      );
    }
  }
  const superseded: Superseded = { historyId, before };
  storage.durableTransaction(() => {
    storage.writeMeta(SUPERSEDED_META_KEY, JSON.stringify(superseded));
  });
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function successorFromWire(fields: Fields): Successor {
  return { historyId: fields.string(), ancestors: ancestorsFromWire(fields.list()) };
}

/** @internal */
export interface TakeoverNoticeParts {
  readonly client: PrimaryClient;
  readonly storage: Storage;
  readonly random: Random;
  /**
   * The former primary now refuses requests. `lost` counts the changes that it had committed and this node never
   * received.
   */
  readonly onAnswer: (former: Position, lost: number) => void;
  /** The former primary could not be notified yet. */
  readonly onFailure: (error: HyperCacheError) => void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;

/**
 * Notifies the former primary that its history has ended, and repeats until it has confirmed. The former primary may be
 * gone for days. It must receive the notice before any client writes to it.
 *
 * @internal
 */
export class TakeoverNotice {
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #backoff: Backoff;
  readonly #reported = new Set<string>();

  constructor(private readonly parts: TakeoverNoticeParts) {
    this.#backoff = new Backoff(parts.random, FIRST_RETRY_MS, LAST_RETRY_MS);
  }

  start(): void {
    this.#run().catch((error: unknown) => this.#report(toStorageError(error)));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.parts.client.close();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#notify();
        return;
      } catch (error) {
        if (this.#isStopped) return;
        this.#report(toStorageError(error));
      }
      await this.#pause();
    }
  }

  async #notify(): Promise<void> {
    const { client, storage, onAnswer } = this.parts;
    const ancestors = parseAncestors(storage.readMeta(ANCESTORS_META_KEY));
    const answer = await client.supersede(pack([storage.historyId, ancestorsToWire(ancestors)]));
    if (this.#isStopped) return;
    const { historyId, epoch, revision } = readAnswer(() =>
      positionOf(new Fields(unpackArray(answer))),
    );
    const shared = ancestors.find((ancestor) => ancestor.historyId === historyId)?.revision ?? 0;
    storage.transaction(() => storage.removeMeta(FORMER_META_KEY));
    client.close();
    onAnswer({ historyId, epoch, revision }, Math.max(0, revision - shared));
  }

  /** Reports each error code once: a dead node does not answer, and repeating that is no news. */
  #report(error: HyperCacheError): void {
    if (this.#reported.has(error.code)) return;
    this.#reported.add(error.code);
    this.parts.onFailure(error);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#retry = setTimeout(resolve, this.#backoff.next()).unref();
    });
  }
}

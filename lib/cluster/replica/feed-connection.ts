import type { HyperCacheError } from '../../common/errors.js';
import type { Storage } from '../../sqlite/storage.js';
import type { ReplicaSourceParts } from './replica-source.js';

/** @internal */
export interface FeedConnectionParts extends Pick<
  ReplicaSourceParts,
  'options' | 'client' | 'events' | 'incidents' | 'logger'
> {
  readonly storage: Storage;
}

/**
 * Tracks whether the primary's changes arrive, and whether they have been missing for too long. Reports both, whichever
 * part of the node notices.
 *
 * @internal
 */
export class FeedConnection {
  #isMade = false;
  #isStale = false;
  #staleness: NodeJS.Timeout | undefined;

  constructor(private readonly parts: FeedConnectionParts) {}

  get isMade(): boolean {
    return this.#isMade;
  }

  /** The primary has been away for so long that reads can no longer rely on what this node holds. */
  get isStale(): boolean {
    return this.#isStale;
  }

  made(): void {
    const { storage, client, logger, events } = this.parts;
    const { revision } = storage;
    this.#isMade = true;
    clearTimeout(this.#staleness);
    this.#staleness = undefined;
    this.#isStale = false;
    logger.log(`Following ${client.url} from revision ${revision}.`);
    events.emit('replica:connected', { revision });
  }

  lost(error: HyperCacheError): void {
    const { storage, events, incidents } = this.parts;
    this.#isMade = false;
    events.emit('replica:lost', { error, revision: storage.revision });
    incidents.report(error, 'following the primary');
    this.awaited();
  }

  /** Changes do not arrive, perhaps not yet: reads see what is held for at most `staleAfter`. */
  awaited(): void {
    const { options } = this.parts;
    if (options.onPrimaryLost !== 'miss' || this.#isStale) return;
    this.#staleness ??= setTimeout(() => this.#becomeStale(), options.staleAfter).unref();
  }

  /** The process that was connected is gone, and this one must connect first. */
  forget(): void {
    this.#isMade = false;
  }

  stop(): void {
    clearTimeout(this.#staleness);
  }

  #becomeStale(): void {
    const { logger, options } = this.parts;
    this.#isStale = true;
    logger.warn(
      `The primary has been away for ${options.staleAfter} ms: reads find nothing until it is back.`,
    );
  }
}

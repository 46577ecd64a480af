import type { IncidentLog } from '../../common/incident-log.js';
import type { HyperCacheLogger } from '../../common/logger.js';
import type { Random } from '../../common/random.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import type { PrimaryAddress } from '../replica/replica-meta.js';
import {
  FORMER_META_KEY,
  TakeoverNotice,
  readSuperseded,
  supersede,
  type Successor,
} from './takeover.js';
import type { Storage } from '../../sqlite/storage.js';
import type { Serving } from './serving.js';

/** @internal */
export interface FailoverParts {
  readonly storage: Storage;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly incidents: IncidentLog;
  /** How another primary is reached; undefined without an adminToken. */
  readonly clientFor: ((primary: PrimaryAddress) => PrimaryClient) | undefined;
  readonly serving: Serving;
}

/**
 * In whose place a primary stands, and who stands in its own: it tells the former primary, and is told itself.
 *
 * @internal
 */
export class Failover {
  #notice: TakeoverNotice | undefined;

  constructor(private readonly parts: FailoverParts) {}

  /** Until it has heard. */
  tellFormerPrimary(): void {
    const { storage, random, logger, incidents, clientFor } = this.parts;
    const note = storage.readMeta(FORMER_META_KEY);
    if (note === undefined) return;
    if (clientFor === undefined) {
      logger.warn(
        'The former primary is not told that this node was promoted: set adminToken (or HYPERCACHE_ADMIN_TOKEN) on both, or make sure that it does not come back. `npx --no hypercache inspect` says where it was.',
      );
      return;
    }
    const client = clientFor(JSON.parse(note) as PrimaryAddress);
    this.#notice = new TakeoverNotice({
      client,
      storage,
      random,
      onHeard: ({ revision }, lost) => {
        logger.warn(
          `The former primary at ${client.url} refuses from now on. It had come to revision ${revision}: ${lost} changes had not arrived here when this node was promoted.`,
        );
      },
      onFailure: (error) => incidents.report(error, 'telling the former primary'),
    });
    this.#notice.start();
  }

  stop(): void {
    this.#notice?.stop();
  }

  /** @throws {HC_PRIMARY_MISMATCH | HC_TWO_PRIMARIES} */
  onSuperseded(successor: Successor): void {
    supersede(this.parts.storage, successor);
    this.look();
  }

  /** Another process on the file may have been told. */
  look(): void {
    const { serving } = this.parts;
    if (serving.refusal !== undefined) return;
    const refusal = readSuperseded(this.parts.storage);
    if (refusal === undefined) return;
    serving.end(refusal);
    this.parts.incidents.report(refusal, 'serving as primary');
  }
}

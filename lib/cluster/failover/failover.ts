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
  /** Makes the client for another primary; undefined without an adminToken. */
  readonly clientFor: ((primary: PrimaryAddress) => PrimaryClient) | undefined;
  readonly serving: Serving;
}

/**
 * Both sides of a promotion: this primary notifies the primary that it replaced, and learns that another node has
 * replaced it.
 *
 * @internal
 */
export class Failover {
  #notice: TakeoverNotice | undefined;

  constructor(private readonly parts: FailoverParts) {}

  /** Repeats until the former primary has answered. */
  notifyFormerPrimary(): void {
    const { storage, random, logger, incidents, clientFor } = this.parts;
    const note = storage.readMeta(FORMER_META_KEY);
    if (note === undefined) return;
    if (clientFor === undefined) {
      logger.warn(
        'The former primary does not learn that this node was promoted: set adminToken (or HYPERCACHE_ADMIN_TOKEN) on both, or make sure that it does not come back. `npx --no hypercache inspect` shows its address.',
      );
      return;
    }
    const client = clientFor(JSON.parse(note) as PrimaryAddress);
    this.#notice = new TakeoverNotice({
      client,
      storage,
      random,
      onAnswer: ({ revision }, lost) => {
        logger.warn(
          `The former primary at ${client.url} refuses requests from now on. It had reached revision ${revision}: ${lost} changes had not arrived here when this node was promoted.`,
        );
      },
      onFailure: (error) => incidents.report(error, 'notifying the former primary'),
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

  /** Checks the file: another process on it may have received the notice. */
  look(): void {
    const { serving } = this.parts;
    if (serving.refusal !== undefined) return;
    const refusal = readSuperseded(this.parts.storage);
    if (refusal === undefined) return;
    serving.end(refusal);
    this.parts.incidents.report(refusal, 'serving as primary');
  }
}

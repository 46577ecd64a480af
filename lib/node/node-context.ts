import type { Clock } from '../common/clock.js';
import { CacheEvents } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import type { Interception } from './interception.js';
import type { ResolvedOptions } from './options.js';

/** What every part of a node needs. @internal */
export interface NodeContext {
  readonly options: ResolvedOptions;
  /** The machine's clock. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  readonly interception: Interception;
}

/** @internal */
export function nodeContext(
  given: Pick<NodeContext, 'options' | 'clock' | 'random' | 'logger' | 'interception'>,
): NodeContext {
  const events = new CacheEvents();
  return { ...given, events, incidents: new IncidentLog(events, given.logger, given.clock) };
}

import type { Clock, HyperCache, HyperCacheNode } from '../index.js';
import type { EventLog } from './event-log.js';
import type { FactoryLog } from './factory-log.js';
import type { JobLog } from './job-log.js';
import type { ResolvedInspectorOptions } from './inspector-options.js';
import type { SampleHistory } from './samples.js';

/** The injection token of a clock that replaces the machine's, for tests. @internal */
export const INSPECTOR_CLOCK = Symbol('HyperCacheInspectorClock');

/** The data that the views show. @internal */
export interface InspectorContext {
  readonly cache: HyperCache;
  readonly node: HyperCacheNode;
  readonly clock: Clock;
  readonly options: ResolvedInspectorOptions;
  readonly history: SampleHistory;
  readonly events: EventLog;
  readonly factories: FactoryLog;
  readonly jobs: JobLog;
}

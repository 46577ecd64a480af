import { join } from 'node:path';
import { CommandExecutor, isFailure } from '../sqlite/commands/command-executor.js';
import { SteadyClock } from '../common/steady-clock.js';
import { Failover } from '../cluster/failover/failover.js';
import { Serving } from '../cluster/failover/serving.js';
import { ChangeFeed } from '../cluster/feed/change-feed.js';
import { PrimaryEndpoint } from '../cluster/feed/primary-endpoint.js';
import { type PrimaryAddress } from '../cluster/replica/replica-meta.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { LockFactory } from '../locks/lock-factory.js';
import type { L2 } from '../engine/l2.js';
import { BoundedWriter } from '../sqlite/bounded-writer.js';
import { checkpointerOf } from '../sqlite/checkpointer.js';
import { Coherence } from '../sqlite/coherence.js';
import { FileListing } from '../sqlite/file-listing.js';
import { LeaseClaims } from '../sqlite/lease-claims.js';
import { LeaseManager } from '../sqlite/lease-manager.js';
import { ClockKeeper } from '../sqlite/maintenance/clock-notes.js';
import { Evictor } from '../sqlite/maintenance/evictor.js';
import { LeaseCollector } from '../sqlite/maintenance/lease-collector.js';
import { LogTrimmer } from '../sqlite/maintenance/log-trimmer.js';
import { MaintenanceLoop } from '../sqlite/maintenance/maintenance-loop.js';
import { SpaceReleaser } from '../sqlite/maintenance/space-releaser.js';
import { Sweeper } from '../sqlite/maintenance/sweeper.js';
import { ThrottleCollector } from '../sqlite/maintenance/throttle-collector.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { SqliteL2 } from '../sqlite/sqlite-l2.js';
import { FILE_NAME, Storage } from '../sqlite/storage.js';
import { WriteQueue } from '../sqlite/write-queue.js';
import { FileCare } from './file-care.js';
import { LocalCaches } from './local-caches.js';
import { Namespaces } from './namespaces.js';
import type { NodeContext } from './node-context.js';
import { Runs } from './runs.js';
import { Throttles } from './throttles.js';

/**
 * The parts of a primary, in the order in which they need each other.
 *
 * @param clientFor makes a client for another primary
 * @internal
 */
export function primaryParts(
  context: NodeContext,
  clientFor?: (primary: PrimaryAddress) => PrimaryClient,
) {
  const { options, random, logger, events, incidents, interception } = context;
  const { maxSize, maxEntries } = options;
  const clock = new SteadyClock(context.clock);
  const serving = new Serving();
  const namespaces = new Namespaces(options.l1, clock, events);
  const storage = new Storage({
    path: join(options.sqlitePath, FILE_NAME),
    fullSync: options.durability === 'full',
    clock,
    steadyClock: clock,
    random,
    memory: namespaces,
    ...checkpointerOf(options, (error) => incidents.report(error, 'checkpointing')),
  });
  const listing = new FileListing(storage, clock);
  const care = new FileCare({ ...context, storage, memory: namespaces, serving, maxSize });
  const { onReadError, onMaintenanceError } = care;
  const failover = new Failover({
    storage,
    serving,
    random,
    logger,
    incidents,
    clientFor: options.adminToken.length > 0 ? clientFor : undefined,
  });
  const { changeLogEntries, changeLogAge, maxLockTtl } = options;
  const trimmer = new LogTrimmer(storage, clock, changeLogEntries, changeLogAge, maxSize);
  const collector = new LeaseCollector(storage, clock, maxLockTtl, maxSize);
  const throttleCollector = new ThrottleCollector(storage, clock, maxSize);
  const nameOf = (id: number): string => storage.namespaces.nameOf(id) ?? '';
  const evictor = new Evictor({
    storage,
    clock,
    maxBytes: maxSize,
    maxEntries,
    givers: [trimmer, collector, throttleCollector],
    isHot: (id, key) => namespaces.isHot(nameOf(id), key),
    onEvicted: (rows) => {
      for (const { namespace_id, key } of rows) namespaces.changed(nameOf(namespace_id), key);
      if (rows.length > 0) events.emit('evicted', { entries: rows.length });
    },
  });
  const executor = new CommandExecutor(storage, clock);
  const onCorruption = (): void => care.recover('corrupt');
  const writer = new BoundedWriter({ executor, evictor, storage, serving, onCorruption });
  const queue = new WriteQueue(interception.writer(writer), clock, isFailure);
  const { coherenceInterval } = options;
  const leases = new LeaseManager(storage, queue, clock, coherenceInterval, onMaintenanceError);
  const feed = new ChangeFeed(storage, clock, onMaintenanceError);
  serving.interrupted.on((reason, cause) => {
    feed.end(reason);
    leases.loseAll(cause);
  });
  const coherence = new Coherence({
    storage,
    clock,
    intervalMs: coherenceInterval,
    onError: onMaintenanceError,
  });
  const l2 = (namespace: string): L2 =>
    interception.l2(new SqliteL2(namespace, { storage, coherence, clock, onReadError }));
  /** Whether other nodes, or other processes on the file, may call the same factories. */
  const isShared = (): boolean => options.apiToken.length > 0 || storage.isShared();
  const caches = new LocalCaches({
    options,
    namespaces,
    engine: {
      clock,
      queue,
      coherence,
      l2,
      claims: (namespace) =>
        new LeaseClaims(namespace, { leases, l2: l2(namespace), random, isShared }),
    },
    events,
    random,
    isRelaxed: options.durability === 'relaxed',
    onReadError,
    onSilentError: (error, during) => incidents.report(toStorageError(error), during),
  });
  const locks = new LockFactory(leases, context.clock, random, maxLockTtl);
  const throttles = new Throttles({ queue, clock, incidents, isFar: false });
  const runs = new Runs({ ...context, clock, queue, locks });
  const sync = new PrimaryEndpoint({
    storage,
    queue,
    leases,
    feed,
    clock,
    serving,
    limits: options,
    onForward: (command) => namespaces.raiseBarrier(command),
    onForwarded: (command, result) => namespaces.dropForwarded(command, result),
    onSuperseded: (successor) => failover.onSuperseded(successor),
  });
  const sweeper = new Sweeper(storage, clock);
  const watch = (): boolean => {
    if (care.watch()) {
      coherence.adjust();
      failover.look();
    }
    return false;
  };
  const maintenance = new MaintenanceLoop(
    [
      { step: watch },
      new ClockKeeper(storage, clock),
      sweeper,
      evictor,
      trimmer,
      collector,
      throttleCollector,
      new SpaceReleaser(storage, clock),
    ],
    options.sweepInterval,
    onMaintenanceError,
  );
  return {
    namespaces,
    storage,
    care,
    failover,
    evictor,
    sweeper,
    queue,
    leases,
    feed,
    coherence,
    caches,
    locks,
    throttles,
    runs,
    sync,
    listing,
    maintenance,
  };
}

import type { Awaitable } from '../../common/awaitable.js';
import type { Command } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import type {
  L2,
  L2Entry,
  ListedEntry,
  Observation,
  Page,
  Seen,
  VersionedEntry,
} from '../../engine/l2.js';
import type { Interception } from '../../node/interception.js';
import type { Writer } from '../../sqlite/write-queue.js';
import type { FaultPlan } from './fault-plan.js';

/** Fails as planned, and is otherwise the real engine. @internal */
export function faultyEngine(plan: FaultPlan): Interception {
  return {
    l2: (l2) => new FaultyL2(l2, plan),
    writer: (writer) => new FaultyWriter(writer, plan),
  };
}

class FaultyWriter implements Writer<Command, CommandResult> {
  constructor(
    private readonly own: Writer<Command, CommandResult>,
    private readonly plan: FaultPlan,
  ) {}

  mustPause(): boolean {
    return this.own.mustPause?.() ?? false;
  }

  write(commands: readonly Command[]): ReturnType<Writer<Command, CommandResult>['write']> {
    this.plan.check('commit');
    return this.own.write(commands);
  }
}

class FaultyL2 implements L2 {
  constructor(
    private readonly own: L2,
    private readonly plan: FaultPlan,
  ) {}

  get layer(): L2['layer'] {
    return this.own.layer;
  }

  readValue(key: string): unknown {
    this.plan.check('read');
    return this.own.readValue(key);
  }

  read(key: string): Awaitable<L2Entry | undefined> {
    this.plan.check('read');
    return this.own.read(key);
  }

  freshUntil(key: string): Awaitable<number | undefined> {
    this.plan.check('read');
    return this.own.freshUntil(key);
  }

  readVersioned(key: string): Awaitable<VersionedEntry> {
    this.plan.check('read');
    return this.own.readVersioned(key);
  }

  /** Finds nothing where another read would fail. */
  observe(key: string, tags: readonly string[]): Awaitable<Observation> {
    const observed = this.own.observe(key, tags);
    if (this.plan.next('read') === undefined) return observed;
    return observed instanceof Promise ? observed.then(withoutEntry) : withoutEntry(observed);
  }

  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean> {
    return this.own.isCurrent(seen, tags);
  }

  keysPage(prefix: string, after: string): Awaitable<Page<string>> {
    this.plan.check('read');
    return this.own.keysPage(prefix, after);
  }

  entriesPage(after: string): Awaitable<Page<ListedEntry>> {
    this.plan.check('read');
    return this.own.entriesPage(after);
  }
}

function withoutEntry({ seen }: Observation): Observation {
  return { entry: undefined, seen };
}

import { systemClock } from '../../../lib/common/clock.js';
import type { Command } from '../../../lib/engine/command.js';
import type { CommandResult } from '../../../lib/engine/command-result.js';
import type { AcquireRequest } from '../../../lib/engine/lease-service.js';
import { EMBEDDED, type EngineUnderTest, type MakeNode } from '../engine-under-test.js';
import { MemoryServer } from './memory-engine.js';
import { MemoryLeases } from './memory-leases.js';
import { memoryNode } from './memory-node.js';
import { MemoryTable, type MemoryRow } from './memory-table.js';

class Forgetful extends MemoryTable {
  override hasChangedSince(): boolean {
    return false;
  }
}

class Undying extends MemoryTable {
  override live(key: string): MemoryRow | undefined {
    const row = this.rows.get(key);
    return row && { ...row, freshUntil: Infinity, expiresAt: Infinity };
  }
}

class Undeleting extends MemoryTable {
  override execute(
    command: Command,
    ...context: [now: number, lastToken: (lock: string) => number]
  ): CommandResult {
    return command.kind === 'delete'
      ? { deleted: true, revision: this.revision }
      : super.execute(command, ...context);
  }
}

class Generous extends MemoryLeases {
  override take(request: AcquireRequest) {
    return super.take({ ...request, slots: request.slots + 1 });
  }
}

class Tokenless extends MemoryLeases {
  override nextToken(): number {
    return 1;
  }
}

function onServer(Table: typeof MemoryTable, Leases: typeof MemoryLeases = MemoryLeases): MakeNode {
  return (options, { clock = systemClock }) =>
    memoryNode(options, { clock, server: new MemoryServer(clock, new Leases(clock), Table) });
}

/** Engines that break one promise each: every suite that is to hold it must notice. */
export const SABOTAGED: readonly EngineUnderTest[] = [
  ['an engine that knows of no change', onServer(Forgetful), EMBEDDED],
  ['an engine whose entries never expire', onServer(Undying), EMBEDDED],
  ['an engine that deletes nothing', onServer(Undeleting), EMBEDDED],
  ['an engine that gives a lease too many', onServer(MemoryTable, Generous), EMBEDDED],
  ['an engine whose tokens do not grow', onServer(MemoryTable, Tokenless), EMBEDDED],
];

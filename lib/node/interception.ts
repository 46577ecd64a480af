import type { Command, CommandResult } from '../engine/command.js';
import type { L2 } from '../engine/l2.js';
import type { Writer } from '../sqlite/write-queue.js';

/** What stands between a node and its engine: nothing, but in tests. @internal */
export interface Interception {
  /** Where a node reads below memory. */
  l2(l2: L2): L2;
  /** Where a primary commits. */
  writer(writer: Writer<Command, CommandResult>): Writer<Command, CommandResult>;
}

/** @internal */
export const NO_INTERCEPTION: Interception = { l2: (l2) => l2, writer: (writer) => writer };

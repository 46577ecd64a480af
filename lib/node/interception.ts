import type { Command } from '../engine/command.js';
import type { CommandResult } from '../engine/command-result.js';
import type { L2 } from '../engine/l2.js';
import type { Writer } from '../sqlite/write-queue.js';

/** Lies between a node and its engine; changes nothing, except in tests. @internal */
export interface Interception {
  /** Wraps what a node reads below memory. */
  l2(l2: L2): L2;
  /** Wraps the writer that a primary commits with. */
  writer(writer: Writer<Command, CommandResult>): Writer<Command, CommandResult>;
}

/** @internal */
export const NO_INTERCEPTION: Interception = { l2: (l2) => l2, writer: (writer) => writer };

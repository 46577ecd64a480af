import type { BeginRunCommand, FinishRunCommand, LastRunCommand } from '../../engine/command.js';
import type {
  BeginRunResult,
  FinishRunResult,
  LastRunResult,
} from '../../engine/command-result.js';
import { decideRun } from '../../engine/run.js';
import type { RunTable } from '../run-table.js';

/** `beginRun`: records the start of a run, unless its slot is used up. @internal */
export function beginRun(runs: RunTable, { run }: BeginRunCommand, now: number): BeginRunResult {
  const last = runs.find(run.name);
  const decision = decideRun(last, run, now);
  if (decision === 'begun') runs.begin(run, run.slot ?? now, now, last === undefined);
  return { decision };
}

/** `finishRun`: records how the run ended. @internal */
export function finishRun(
  runs: RunTable,
  { name, id, ok }: FinishRunCommand,
  now: number,
): FinishRunResult {
  return { finished: runs.finish(name, id, ok, now) };
}

/** `lastRun`. @internal */
export function lastRun(runs: RunTable, { name }: LastRunCommand): LastRunResult {
  return { last: runs.find(name) ?? null };
}

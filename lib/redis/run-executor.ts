import type { BeginRunCommand, FinishRunCommand, LastRunCommand } from '../engine/command.js';
import type { BeginRunResult, FinishRunResult, LastRunResult } from '../engine/command-result.js';
import type { RunDecision } from '../engine/run.js';
import { unexpectedReply } from './redis-error.js';
import type { RedisKeys } from './redis-keys.js';
import type { Commands } from './redis-link.js';
import { BEGIN_RUN, FINISH_RUN } from './scripts/run.js';

/** How many names are remembered. */
const MOST_KNOWN = 10_000;

const DECISIONS: readonly RunDecision[] = ['begun', 'skipped', 'skewed'];

/** `beginRun`: notes the start of a run, unless its slot is used up. The server's clock decides. @internal */
export async function beginRun(
  commands: Commands,
  keys: RedisKeys,
  { run }: BeginRunCommand,
): Promise<BeginRunResult> {
  const { name, id, slot, window, at, maxSkew, on, node } = run;
  const reply = await commands.run(
    BEGIN_RUN,
    [keys.run(name), keys.runIndex],
    [
      name,
      id,
      slot === null ? '' : String(slot),
      String(window),
      String(at),
      String(maxSkew),
      on,
      node,
      String(MOST_KNOWN),
      keys.run(''),
    ],
  );
  const decision = DECISIONS.find((each) => each === String(reply));
  if (decision === undefined) throw unexpectedReply(BEGIN_RUN.name);
  return { decision };
}

/** `finishRun`: notes how a run ended. @internal */
export async function finishRun(
  commands: Commands,
  keys: RedisKeys,
  { name, id, ok }: FinishRunCommand,
): Promise<FinishRunResult> {
  const reply = await commands.run(FINISH_RUN, [keys.run(name)], [id, ok ? '1' : '0']);
  return { finished: reply === 1 };
}

/** `lastRun`: reads the last run of a name. @internal */
export async function lastRun(
  commands: Commands,
  keys: RedisKeys,
  { name }: LastRunCommand,
): Promise<LastRunResult> {
  const fields = ['id', 'slot', 'startedAt', 'finishedAt', 'ok', 'node'];
  const reply = await commands.call(['HMGET', keys.run(name), ...fields]);
  const [id, slot, startedAt, finishedAt, ok, node] = Array.isArray(reply) ? reply : [];
  if (id === undefined || id === null) return { last: null };
  const endedAt = String(finishedAt);
  return {
    last: {
      id: String(id),
      slot: Number(String(slot)),
      startedAt: Number(String(startedAt)),
      finishedAt: endedAt === '' ? null : Number(endedAt),
      ok: endedAt === '' ? null : String(ok) === '1',
      node: String(node),
    },
  };
}

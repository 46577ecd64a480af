import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from './linearizability.js';

/** What the program `history` writes before a call, and after its answer. */
interface CallLine {
  readonly id: string;
  readonly model: 'entry' | 'lease';
  readonly key: string;
  readonly input: unknown;
  readonly calledAt: number;
}
interface AnswerLine {
  readonly id: string;
  readonly output: unknown;
  readonly returnedAt: number;
}

/**
 * The operations on each key that processes have written down, each in a file `<number>.jsonl` of the directory.
 *
 * @param endedAt when the process of this number was certainly gone, on the clock of the histories
 */
export function readHistories<I, O>(
  directory: string,
  model: CallLine['model'],
  endedAt: (process: number) => number,
): Map<string, Operation<I, O>[]> {
  const histories = new Map<string, Operation<I, O>[]>();
  for (const file of readdirSync(directory)) {
    const end = endedAt(parseInt(file, 10));
    const lines = linesOf<CallLine | AnswerLine>(join(directory, file));
    const answers = new Map(lines.flatMap((line) => ('output' in line ? [[line.id, line]] : [])));
    for (const line of lines) {
      if (!('input' in line) || line.model !== model) continue;
      const answer = answers.get(line.id);
      const history = histories.get(line.key) ?? [];
      histories.set(line.key, history);
      history.push({
        input: line.input as I,
        output: answer?.output as O | undefined,
        calledAt: line.calledAt,
        returnedAt: answer?.returnedAt ?? end,
      });
    }
  }
  return histories;
}

/** The JSON lines of a file; one that was not finished does not count. */
export function linesOf<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}

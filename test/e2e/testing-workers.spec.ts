import { afterEach, describe, expect, it } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const workers: ChildProcess[] = [];
afterEach(() => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
});

function startWorker(): ChildProcess {
  const program = new URL('../support/programs/testing-worker.mjs', import.meta.url);
  const worker = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  workers.push(worker);
  return worker;
}

const answerOf = async (worker: ChildProcess): Promise<unknown> =>
  (await once(worker, 'message'))[0];

const askAll = (all: readonly ChildProcess[]): Promise<unknown[]> => {
  const answers = Promise.all(all.map(answerOf));
  for (const worker of all) worker.send('next');
  return answers;
};

describe('applications under test in two worker processes', () => {
  it('never meet, start at once, and leave nothing open', async () => {
    const all = [startWorker(), startWorker()];
    await Promise.all(all.map(answerOf));

    const found = await askAll(all);
    const started = await askAll(all);
    const exits = all.map((worker) => once(worker, 'exit'));
    const left = await askAll(all);

    expect(found).toEqual(all.map(({ pid }) => ({ value: pid, isLocked: true })));
    // Of many, because the machine may be busy: docs/testing.md says what it takes.
    for (const times of started) {
      expect((times as { fastest: number }).fastest).toBeLessThan(50);
    }
    expect(left).toEqual([[], []]);
    // By themselves: nothing keeps them alive.
    await expect(Promise.all(exits)).resolves.toEqual([
      [0, null],
      [0, null],
    ]);
  });
});

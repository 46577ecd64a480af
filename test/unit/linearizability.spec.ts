import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import {
  checkEachKey,
  checkLinearizability,
  type Operation,
  type SequentialModel,
} from '../support/linearizability.js';

/** Writes a number and answers 'ok', or reads the number. */
type Input = { readonly write: number } | 'read';
type Output = number | 'ok';
type RegisterOperation = Operation<Input, Output>;

const register: SequentialModel<number, Input, Output> = {
  initial: 0,
  apply: (state, { input, output }) => {
    if (input !== 'read') return input.write;
    return output === undefined || output === state ? state : undefined;
  },
  keyOf: String,
};

const write = (value: number, calledAt: number, returnedAt: number): RegisterOperation => ({
  input: { write: value },
  output: 'ok',
  calledAt,
  returnedAt,
});
const read = (value: number, calledAt: number, returnedAt: number): RegisterOperation => ({
  input: 'read',
  output: value,
  calledAt,
  returnedAt,
});
const unansweredWrite = (
  value: number,
  calledAt: number,
  returnedAt = Infinity,
): RegisterOperation => ({ input: { write: value }, output: undefined, calledAt, returnedAt });

const isLinearizable = (...history: RegisterOperation[]): boolean =>
  checkLinearizability(register, history).isLinearizable;

/** Every order that respects time, of every choice of the unanswered operations. */
function bruteForce(history: readonly RegisterOperation[], state = register.initial): boolean {
  if (history.every(({ output }) => output === undefined)) return true;
  return history.some((first, i) => {
    const others = history.toSpliced(i, 1);
    const missed = others.filter(({ returnedAt }) => returnedAt < first.calledAt);
    if (missed.some(({ output }) => output !== undefined)) return false;
    const after = register.apply(state, first);
    const rest = others.filter((operation) => !missed.includes(operation));
    return after !== undefined && bruteForce(rest, after);
  });
}

/** Operations that happened one at a time, each at a moment between its call and its answer. */
function simulate(random: () => number, length: number, clients: number): RegisterOperation[] {
  const history: RegisterOperation[] = [];
  const free: number[] = Array.from({ length: clients }, () => 0);
  let state = 0;
  let at = 0;
  for (let i = 1; i <= length; i++) {
    at += random();
    const client = Math.floor(random() * clients);
    const earliest = free[client] ?? 0;
    if (earliest >= at) continue;
    const calledAt = earliest + random() * (at - earliest);
    const returnedAt = at + 4 * random();
    free[client] = returnedAt;
    if (random() < 0.5) history.push(read(state, calledAt, returnedAt));
    else {
      state = i;
      history.push(write(i, calledAt, returnedAt));
    }
  }
  return history;
}

describe('checkLinearizability', () => {
  it('accepts nothing, and one after the other', () => {
    expect(isLinearizable()).toBe(true);
    expect(isLinearizable(read(0, 0, 1), write(1, 2, 3), read(1, 4, 5))).toBe(true);
  });

  it('accepts either order of what overlaps, whichever way the history is written down', () => {
    const writes = [write(1, 0, 10), write(2, 1, 9)];

    expect(isLinearizable(...writes, read(1, 11, 12))).toBe(true);
    expect(isLinearizable(read(2, 11, 12), ...writes)).toBe(true);
  });

  it('accepts that a read sees a write which has not been answered yet', () => {
    expect(isLinearizable(write(1, 0, 10), read(1, 2, 3), read(1, 4, 5))).toBe(true);
    expect(isLinearizable(write(1, 0, 10), read(0, 2, 3), read(1, 4, 5))).toBe(true);
  });

  it('takes operations that touch at one moment as overlapping', () => {
    expect(isLinearizable(write(1, 0, 5), read(0, 5, 6))).toBe(true);
  });

  it('rejects a stale read', () => {
    expect(isLinearizable(write(1, 0, 1), read(0, 2, 3))).toBe(false);
    expect(isLinearizable(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5))).toBe(false);
  });

  it('rejects a value that goes back', () => {
    expect(isLinearizable(write(1, 0, 10), read(1, 2, 3), read(0, 4, 5))).toBe(false);
  });

  it('rejects two orders of the same writes', () => {
    const history = [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)];

    expect(isLinearizable(...history)).toBe(false);
  });

  it('rejects a value from nowhere', () => {
    expect(isLinearizable(write(1, 0, 1), read(7, 2, 3))).toBe(false);
  });

  it('says where it got stuck', () => {
    const history = [write(1, 0, 1), read(1, 2, 3), read(0, 4, 5), read(1, 6, 7)];

    expect(checkLinearizability(register, history)).toEqual({
      isLinearizable: false,
      stuckAt: [read(0, 4, 5)],
    });
  });

  describe('of an operation without an answer', () => {
    it('accepts that it happened, at once or long after', () => {
      expect(isLinearizable(unansweredWrite(1, 0), read(1, 1, 2))).toBe(true);
      expect(isLinearizable(unansweredWrite(1, 0), read(0, 1, 2), read(1, 90, 91))).toBe(true);
    });

    it('accepts that it never happened', () => {
      expect(isLinearizable(unansweredWrite(1, 0), read(0, 1, 2), read(0, 90, 91))).toBe(true);
    });

    it('rejects that it happened and then had not', () => {
      expect(isLinearizable(unansweredWrite(1, 0), read(1, 1, 2), read(0, 3, 4))).toBe(false);
    });

    it('rejects that it happened twice', () => {
      const history = [unansweredWrite(1, 0), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)];

      expect(isLinearizable(...history)).toBe(false);
    });

    it('rejects that it happened after it can have', () => {
      const history = [unansweredWrite(1, 0, 5), read(0, 6, 7)];

      expect(isLinearizable(...history, read(0, 8, 9))).toBe(true);
      expect(isLinearizable(...history, read(1, 8, 9))).toBe(false);
    });

    it('rejects that it happened before its call', () => {
      expect(isLinearizable(read(1, 0, 1), unansweredWrite(1, 2))).toBe(false);
    });
  });

  it('agrees with trying all orders', () => {
    const random = seededRandom(11);
    const verdicts = { true: 0, false: 0 };
    for (let round = 0; round < 3000; round++) {
      const history = Array.from({ length: 1 + Math.floor(random() * 6) }, () => {
        const calledAt = Math.floor(random() * 8);
        const returnedAt = calledAt + Math.floor(random() * 5);
        const value = Math.floor(random() * 3);
        if (random() < 0.1) return unansweredWrite(value, calledAt);
        if (random() < 0.1) return unansweredWrite(value, calledAt, returnedAt);
        return random() < 0.5
          ? write(value, calledAt, returnedAt)
          : read(value, calledAt, returnedAt);
      });
      const expected = bruteForce(history);
      verdicts[`${expected}`]++;

      expect({ history, verdict: isLinearizable(...history) }).toEqual({
        history,
        verdict: expected,
      });
    }
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(500);
  });

  it('accepts long histories of something that is linearizable, and rejects them with one lie', () => {
    const random = seededRandom(12);
    for (let round = 0; round < 8; round++) {
      const history = simulate(random, 2000, 8);
      expect(history.length).toBeGreaterThan(500);
      expect(isLinearizable(...history)).toBe(true);

      const reads = history.flatMap(({ input }, i) => (input === 'read' ? [i] : []));
      const lie = reads[Math.floor(random() * reads.length)] ?? 0;
      const lying = history.map((operation, i) =>
        i === lie ? { ...operation, output: Number(operation.output) + 0.5 } : operation,
      );
      expect(isLinearizable(...lying)).toBe(false);
    }
  });
});

describe('checkEachKey', () => {
  it('names the keys that fail', () => {
    const histories = new Map([
      ['good', [write(1, 0, 1), read(1, 2, 3)]],
      ['bad', [write(1, 0, 1), read(0, 2, 3)]],
    ]);

    expect(checkEachKey(register, histories)).toEqual(
      new Map([['bad', { isLinearizable: false, stuckAt: [read(0, 2, 3)] }]]),
    );
  });
});

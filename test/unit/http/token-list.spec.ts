import { describe, expect, it } from '@jest/globals';
import { TokenList } from '../../../lib/http/token-list.js';

const FIRST = 'first-8f1c0d5b7a94e26313f0bd28c7aa51f9';
const LAST = 'last-27b09c4e6d5183faa02f94be61d7c8357';
const ROUNDS = 60;
const CALLS = 500;

describe('TokenList', () => {
  const tokens = new TokenList([FIRST, LAST]);

  it('accepts each of its tokens, and nothing else', () => {
    expect([FIRST, LAST].map((token) => tokens.accepts(token))).toEqual([true, true]);
    for (const other of ['', FIRST.slice(1), `${FIRST} `, [FIRST], undefined, null, 1, {}]) {
      expect(tokens.accepts(other)).toBe(false);
    }
    expect(new TokenList([]).accepts('')).toBe(false);
  });

  it('takes as long for a token with nothing, half or all but one character right, and for a right one', () => {
    const half = FIRST.length / 2;
    const guesses = [
      'x'.repeat(FIRST.length),
      FIRST.slice(0, half) + 'x'.repeat(half),
      `${FIRST.slice(0, -1)}x`,
      FIRST,
      LAST,
    ];
    const best = guesses.map(() => Infinity);

    // The best of many rounds: whatever else the machine does makes one slower, never faster.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [which, guess] of guesses.entries()) {
        const began = performance.now();
        for (let call = 0; call < CALLS; call++) tokens.accepts(guess);
        best[which] = Math.min(best[which] ?? Infinity, performance.now() - began);
      }
    }

    expect(Math.max(...best) / Math.min(...best)).toBeLessThan(1.25);
  });
});

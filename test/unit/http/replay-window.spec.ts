import { describe, expect, it } from '@jest/globals';
import { REPLAY_WINDOW_MS, ReplayWindow } from '../../../lib/http/replay-window.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp(maxNonces?: number) {
  const clock = new ManualClock();
  return { clock, window: new ReplayWindow(clock, maxNonces) };
}

describe('ReplayWindow', () => {
  it('accepts what is new, and nothing twice for as long as it could be accepted', () => {
    const { clock, window } = setUp();
    const signedAt = clock.now() + REPLAY_WINDOW_MS;
    expect(window.accepts('a', signedAt)).toBe(true);

    for (let passed = 0; passed <= 3 * REPLAY_WINDOW_MS; passed += 500) {
      expect(window.accepts('a', signedAt)).toBe(false);
      expect(window.accepts(`new ${passed}`, clock.now())).toBe(true);
      clock.advance(500);
    }
  });

  it('refuses what is older or newer than the window, and what was signed before it began', () => {
    const { clock, window } = setUp();
    const begin = clock.now();
    expect(window.accepts('a', begin - 1)).toBe(false);
    expect(window.accepts('b', begin)).toBe(true);
    clock.advance(2 * REPLAY_WINDOW_MS);

    const now = clock.now();
    expect(window.accepts('c', now - REPLAY_WINDOW_MS - 1)).toBe(false);
    expect(window.accepts('d', now - REPLAY_WINDOW_MS)).toBe(true);
    expect(window.accepts('e', now + REPLAY_WINDOW_MS)).toBe(true);
    expect(window.accepts('f', now + REPLAY_WINDOW_MS + 1)).toBe(false);
  });

  it('gives up the oldest requests rather than its bound, and never lets one pass twice', () => {
    const { clock, window } = setUp(100);
    const accepted: [string, number][] = [];
    for (let i = 0; i < 1000; i++) {
      clock.advance(50);
      const nonce = `nonce ${i}`;
      expect(window.accepts(nonce, clock.now())).toBe(true);
      accepted.push([nonce, clock.now()]);
    }

    for (const [nonce, timestamp] of accepted) {
      expect(window.accepts(nonce, timestamp)).toBe(false);
    }
    expect(window.accepts('late', clock.now() - 10_000)).toBe(false);
    expect(window.accepts('in time', clock.now() - 1000)).toBe(true);
  });
});

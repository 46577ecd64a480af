import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../lib/common/logger.js';
import { FailedAttempts } from '../../../lib/http/failed-attempts.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  const attempts = new FailedAttempts(clock, logger);
  const fail = (address: string, times: number): boolean[] =>
    Array.from({ length: times }, () => attempts.isTooMany(address));
  return { clock, lines, fail };
}

describe('FailedAttempts', () => {
  it('are too many from the 101st of an address within a minute, and say so once', () => {
    const { lines, fail } = setUp();

    expect(fail('10.0.0.1', 100)).not.toContain(true);
    expect(fail('10.0.0.1', 500)).not.toContain(false);
    expect(fail('10.0.0.2', 100)).not.toContain(true);

    expect(lines).toEqual([
      expect.stringContaining('10.0.0.1'),
      expect.stringContaining('10.0.0.2'),
    ]);
  });

  it('are counted anew after a minute', () => {
    const { clock, lines, fail } = setUp();
    fail('10.0.0.1', 101);
    clock.advance(59_999);
    expect(fail('10.0.0.1', 1)).toEqual([true]);
    clock.advance(1);

    expect(fail('10.0.0.1', 100)).not.toContain(true);
    expect(lines).toHaveLength(2);
  });

  it('are remembered for 1,000 addresses at most, the latest', () => {
    const { fail } = setUp();
    fail('10.0.0.1', 200);
    for (let i = 0; i < 999; i++) fail(`10.1.${i >> 8}.${i & 255}`, 1);
    expect(fail('10.0.0.1', 1)).toEqual([true]);

    fail('10.2.0.0', 1);

    expect(fail('10.0.0.1', 1)).toEqual([false]);
  });
});

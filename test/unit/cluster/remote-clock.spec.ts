import { describe, expect, it } from '@jest/globals';
import { RemoteClock } from '../../../lib/common/remote-clock.js';
import { ManualClock } from '../../support/manual-clock.js';

const HOUR = 3_600_000;

describe('RemoteClock', () => {
  function setUp(ahead: number) {
    const own = new ManualClock();
    const primary = new ManualClock(own.now() + ahead);
    return { own, primary, clock: new RemoteClock(own) };
  }

  it('is that of this machine until the primary is heard', () => {
    const { own, clock } = setUp(HOUR);
    expect([clock.now(), clock.coarseNow()]).toEqual([own.now(), own.now()]);
  });

  it.each([HOUR, -HOUR])('is the primary’s, %d ms away, from the first word on', (ahead) => {
    const { own, primary, clock } = setUp(ahead);
    clock.coarseNow();
    clock.restart(primary.now());
    own.advance(5);
    expect([clock.now(), clock.coarseNow()]).toEqual([primary.now() + 5, primary.now() + 5]);
  });

  it.each([HOUR, -HOUR])('does not care who sets the own wall clock, by %d ms', (jump) => {
    const { own, primary, clock } = setUp(0);
    for (let i = 0; i < 20; i++) clock.observe(primary.now());
    own.jumpTo(own.now() + jump);
    expect([clock.now(), clock.coarseNow()]).toEqual([primary.now(), primary.now()]);
    clock.observe(primary.now());
    expect([clock.now(), clock.coarseNow()]).toEqual([primary.now(), primary.now()]);
  });

  it('takes what was the shortest way as the closest', () => {
    const { own, primary, clock } = setUp(0);
    for (const lateMs of [40, 3, 250]) {
      const told = primary.now();
      for (const one of [own, primary]) one.advance(lateMs);
      clock.observe(told);
    }
    expect(clock.now()).toBe(primary.now() - 3);
  });

  it('begins anew with another primary, whose clock is behind', () => {
    const { own, primary, clock } = setUp(0);
    for (let i = 0; i < 20; i++) clock.observe(primary.now());
    clock.restart(primary.now() - HOUR);
    own.advance(1);
    expect(clock.now()).toBe(primary.now() + 1 - HOUR);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { LeaderLock } from '../../../lib/cluster/replica/leader-lock.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('LeaderLock', () => {
  const directory = useTemporaryDirectories();
  const held: LeaderLock[] = [];
  afterEach(() => {
    for (const lead of held.splice(0)) lead.release();
  });

  /** As many processes of one directory. */
  function leads(count: number, clock = new ManualClock()): LeaderLock[] {
    const path = join(directory(), 'hypercache.lead');
    const onError = (error: unknown): void => {
      throw error;
    };
    const all = Array.from({ length: count }, () => new LeaderLock({ path, clock, onError }));
    held.push(...all);
    return all;
  }

  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('is held by one, until that one releases it', () => {
    const [first, second] = leads(2) as [LeaderLock, LeaderLock];
    expect([first.tryAcquire(), first.tryAcquire(), second.tryAcquire()]).toEqual([
      true,
      true,
      false,
    ]);
    first.release();
    expect([second.tryAcquire(), first.tryAcquire()]).toEqual([true, false]);
  });

  it('is silent when its holder has shown nothing for three seconds', () => {
    const [holder, other] = leads(2) as [LeaderLock, LeaderLock];
    holder.tryAcquire();
    expect([other.listen(5000), other.isSilent]).toEqual([false, false]);
    expect([other.listen(2999), other.isSilent]).toEqual([false, false]);
    expect([other.listen(1), other.isSilent]).toEqual([true, true]);
    expect([other.listen(1000), other.isSilent]).toEqual([false, true]);
  });

  it.each([
    ['stands still', 0],
    ['is set back', -3_600_000],
  ])('is heard again when its holder goes on, also if its wall clock %s', (_what, step) => {
    const clock = new ManualClock();
    const [holder, other] = leads(2, clock) as [LeaderLock, LeaderLock];
    holder.tryAcquire();
    other.listen(1);
    other.listen(3000);
    clock.jumpTo(clock.now() + step);
    holder.tryAcquire();

    expect([other.listen(1000), other.isSilent]).toEqual([true, false]);
  });

  it('is not silent for who has just acquired it', () => {
    const [holder, other] = leads(2) as [LeaderLock, LeaderLock];
    holder.tryAcquire();
    other.listen(1);
    other.listen(3000);
    holder.release();
    other.tryAcquire();

    expect(other.isSilent).toBe(false);
  });

  it('shows each second that its holder goes on', async () => {
    const [holder, other] = leads(2) as [LeaderLock, LeaderLock];
    holder.tryAcquire();
    other.listen(1);
    other.listen(3000);

    await eventually(() => {
      other.listen(0);
      expect(other.isSilent).toBe(false);
    });
  });

  it('keeps no process alive, and writes nothing into its file', () => {
    const before = timers();
    const path = join(directory(), 'hypercache.lead');
    const lead = new LeaderLock({ path, clock: new ManualClock(), onError: () => undefined });
    held.push(lead);
    lead.tryAcquire();

    expect(timers()).toBe(before);
    expect(statSync(path).size).toBe(0);
  });
});

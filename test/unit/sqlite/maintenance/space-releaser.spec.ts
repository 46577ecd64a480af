import { describe, expect, it } from '@jest/globals';
import { SpaceReleaser } from '../../../../lib/sqlite/maintenance/space-releaser.js';
import { systemClock } from '../../../../lib/common/clock.js';
import type { Storage } from '../../../../lib/sqlite/storage.js';
import { useStorages } from '../../../support/storages.js';

const MIB = 1024 * 1024;

describe('SpaceReleaser', () => {
  const openStorage = useStorages();

  /** A storage of `kept` + `removed` MiB, of which the latter are free. */
  function setUp(kept: number, removed: number) {
    const { storage, run } = openStorage();
    const value = Buffer.alloc(MIB / 4);
    const put = (key: string): void => {
      run<'set'>({ kind: 'set', namespace: 'n', key, value, expiresAt: Infinity, tags: [] });
    };
    for (let i = 0; i < 4 * kept; i++) put(`kept ${i}`);
    for (let i = 0; i < 4 * removed; i++) put(`removed ${i}`);
    const prefix = 'removed';
    run<'deletePrefix'>({ kind: 'deletePrefix', namespace: 'n', prefix, step: undefined });
    return { storage, releaser: new SpaceReleaser(storage, systemClock) };
  }

  function freeBytes(storage: Storage): number {
    const { usedBytes, fileBytes } = storage.size();
    return fileBytes - usedBytes;
  }

  it('keeps a little free space for the writes to come', () => {
    const { storage, releaser } = setUp(5, 7);
    const before = storage.size();
    expect(releaser.step()).toBe(false);
    expect(storage.size()).toEqual(before);
  });

  it('gives back a lot of it, in bounded steps', () => {
    const { storage, releaser } = setUp(5, 20);
    let before = storage.size().fileBytes;
    let steps = 0;
    while (releaser.step()) {
      const { fileBytes } = storage.size();
      expect(before - fileBytes).toBeLessThanOrEqual(MIB / 2 + 16_384);
      before = fileBytes;
      steps++;
    }
    expect(steps).toBeGreaterThan(20);
    expect(freeBytes(storage)).toBeLessThanOrEqual(4 * MIB);
    expect(freeBytes(storage)).toBeGreaterThan(3 * MIB);
    expect(releaser.step()).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { useDatabases, useStorages } from '../../support/storages.js';

const KEYS = ['a', 'b', 'c'];

describe('the reads of one turn', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();

  function filled() {
    const { storage, run } = openStorage();
    const set = (key: string, value: string): void => {
      run({ kind: 'set', namespace: 'n', key, value, expiresAt: Infinity, tags: [] });
    };
    for (const key of KEYS) set(key, 'old');
    return { storage, set, other: openDatabase(storage.path) };
  }

  function read(storage: Storage, key: string): unknown {
    const { entries, namespaces } = storage.turn;
    return entries.readValue(namespaces.idOf('n') ?? 0, key, 0);
  }

  it('see what the process itself has written, at once', () => {
    const { storage, set } = filled();
    for (const key of KEYS) {
      read(storage, key);
      set(key, 'new');
      expect(read(storage, key)).toBe('new');
      expect(read(storage, key)).toBe('new');
    }
  });

  it('share a transaction, which ends with the turn', async () => {
    const { storage, other } = filled();
    read(storage, 'a');
    read(storage, 'b');
    other.prepare(`UPDATE entries SET value = 'new'`).run();
    expect(read(storage, 'a')).toBe('old');
    await nextTurn();
    expect(read(storage, 'a')).toBe('new');
  });

  it('do not share it without end', () => {
    const { storage, other } = filled();
    read(storage, 'a');
    read(storage, 'b');
    other.prepare(`UPDATE entries SET value = 'new'`).run();
    const seen = Array.from({ length: 65 }, () => read(storage, 'a'));
    expect(seen[0]).toBe('old');
    expect(seen.at(-1)).toBe('new');
  });

  it('let go of the log when the turn ends', async () => {
    const { storage, set, other } = filled();
    read(storage, 'a');
    read(storage, 'b');
    await nextTurn();
    set('a', 'new');
    const [{ busy, log, checkpointed }] = other.pragma('wal_checkpoint(TRUNCATE)') as [
      Record<string, number>,
    ];
    expect({ busy, log, checkpointed }).toEqual({ busy: 0, log: 0, checkpointed: 0 });
  });

  it('end before anything else is done', () => {
    const { storage } = filled();
    for (const use of [
      () => storage.changes.head(),
      () => storage.dataVersion(),
      () => storage.durableTransaction(() => storage.writeMeta('note', 'text')),
      () => storage.release(1),
      () => storage.close(),
    ]) {
      read(storage, 'a');
      read(storage, 'b');
      expect(use).not.toThrow();
    }
  });
});

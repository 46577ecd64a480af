import { describe, expect, it } from '@jest/globals';
import { copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SetCommand } from '../../../lib/engine/command.js';
import { FileLock } from '../../../lib/sqlite/file-lock.js';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { FILE_NAME, useDatabases, useStorages } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

function put(key: string, namespace = 'n'): SetCommand {
  return { kind: 'set', namespace, key, value: `value of ${key}`, expiresAt: Infinity, tags: [] };
}

describe('Storage', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();
  const newDirectory = useTemporaryDirectories();

  /** What another process finds after this one was killed. */
  function leftBehind(path: string): string {
    const directory = newDirectory();
    for (const suffix of ['', '-wal']) {
      copyFileSync(path + suffix, join(directory, FILE_NAME + suffix));
    }
    return directory;
  }

  describe('a new file', () => {
    it('is empty, in its first epoch, with a history of its own', () => {
      const { storage } = openStorage();
      expect(storage).toMatchObject({ epoch: 1, revision: 0 });
      expect(storage.counts.total).toBe(0);
      expect(storage.historyId).toMatch(/^[0-9a-f]{32}$/);
      expect(storage.historyId).not.toBe(openStorage().storage.historyId);
    });

    it('is in WAL mode, is ours, and can give space back', () => {
      const { storage } = openStorage();
      const database = openDatabase(storage.path);
      const read = (pragma: string): unknown => database.pragma(pragma, { simple: true });
      expect(read('journal_mode')).toBe('wal');
      expect(read('application_id')).toBe(0x48794361);
      expect(read('auto_vacuum')).toBe(2);
    });

    it('is made with its directory', () => {
      const directory = join(newDirectory(), 'deep', 'down');
      openStorage({ directory });
      expect(readFileSync(join(directory, FILE_NAME)).subarray(0, 6).toString()).toBe('SQLite');
    });
  });

  describe('after a clean stop', () => {
    it('goes on in the same history, in the next epoch, with the next revision', () => {
      const directory = newDirectory();
      const { storage, run } = openStorage({ directory });
      run(put('a'));
      run<'delete'>({ kind: 'delete', namespace: 'n', key: 'missing' });
      const { historyId } = storage;
      storage.close();

      const again = openStorage({ directory });
      expect(again.storage).toMatchObject({ historyId, epoch: 2, revision: 2 });
      expect(again.run(put('b'))).toMatchObject({ revision: 3 });
    });

    it('knows its counts without counting', () => {
      const directory = newDirectory();
      const { storage, run } = openStorage({ directory });
      for (const key of ['a', 'b', 'c']) run(put(key, 'first'));
      run(put('a', 'second'));
      storage.close();
      // Nobody does this; it shows where the number comes from.
      openDatabase(storage.path).exec("DELETE FROM entries WHERE key = 'b'");
      expect(openStorage({ directory }).storage.counts.total).toBe(4);
    });

    it('opens as often as one likes, and migrates once', () => {
      const directory = newDirectory();
      const { storage, run } = openStorage({ directory });
      run(put('a'));
      storage.close();
      const schema = (): unknown =>
        openDatabase(storage.path)
          .prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name')
          .all();
      const before = schema();
      for (let i = 0; i < 3; i++) openStorage({ directory }).storage.close();
      expect(schema()).toEqual(before);
      expect(openStorage({ directory }).storage).toMatchObject({ epoch: 5, revision: 1 });
    });
  });

  describe('after an unclean stop', () => {
    it('begins a new epoch of the same history, with the next revision', () => {
      const { storage, run } = openStorage();
      run(put('a'));
      const again = openStorage({ directory: leftBehind(storage.path) });
      expect(again.storage).toMatchObject({ historyId: storage.historyId, revision: 1 });
      expect(again.storage.epoch).toBeGreaterThan(1);
      expect(again.run(put('b'))).toMatchObject({ revision: 2 });
    });

    it('begins one each time, far ahead where no clock tells how long the last one lasted', () => {
      const first = openStorage().storage;
      const second = openStorage({ directory: leftBehind(first.path) }).storage;
      const third = openStorage({ directory: leftBehind(second.path) }).storage;
      expect(second.epoch - first.epoch).toBe(2 ** 20);
      expect(third.epoch - second.epoch).toBe(2 ** 20);
      const { epoch } = third;
      third.close();
      expect(openStorage({ directory: dirname(third.path) }).storage.epoch).toBe(epoch + 1);
    });

    it('counts what is there', () => {
      const { storage, run } = openStorage();
      for (const key of ['a', 'b', 'c']) run(put(key, 'first'));
      run(put('a', 'second'));
      run<'delete'>({ kind: 'delete', namespace: 'first', key: 'b' });
      const again = openStorage({ directory: leftBehind(storage.path) }).storage;
      expect(again.counts.total).toBe(3);
      expect(again.counts.of(again.namespaces.idOf('first') ?? 0)).toBe(2);
    });

    it('has noted the epoch in the database file itself, whatever happens to its log', () => {
      const { storage } = openStorage();
      const directory = leftBehind(storage.path);
      const second = openStorage({ directory }).storage;
      expect(second.epoch).toBeGreaterThan(storage.epoch);
      const withoutLog = newDirectory();
      copyFileSync(second.path, join(withoutLog, FILE_NAME));
      expect(openStorage({ directory: withoutLog }).storage.epoch).toBeGreaterThan(second.epoch);
    });
  });

  describe('one file in one process', () => {
    const IN_USE = { code: 'HC_FILE_IN_USE' };

    it('is opened once, by whatever path', () => {
      const directory = newDirectory();
      const link = join(newDirectory(), 'link');
      symlinkSync(directory, link);
      const { storage } = openStorage({ directory });
      expect(() => openStorage({ directory })).toThrow(expect.objectContaining(IN_USE));
      expect(() => openStorage({ directory: link })).toThrow(expect.objectContaining(IN_USE));
      storage.close();
      openStorage({ directory: link });
      expect(() => openStorage({ directory })).toThrow(expect.objectContaining(IN_USE));
    });

    it('may be opened twice by the same storage, which changes nothing', () => {
      const { storage, run } = openStorage();
      run(put('a'));
      storage.open();
      expect(storage.revision).toBe(1);
    });
  });

  describe('close', () => {
    it('may come twice; what comes after is refused', () => {
      const { storage } = openStorage();
      storage.close();
      storage.close();
      expect(storage.isOpen).toBe(false);
      expect(() => storage.entries).toThrow(expect.objectContaining({ code: 'HC_CLOSED' }));
      expect(() => storage.transaction(() => 1)).toThrow(
        expect.objectContaining({ code: 'HC_CLOSED' }),
      );
    });
  });

  describe('transaction', () => {
    it('leaves nothing behind when its body throws: rows, revisions, namespaces, counts', () => {
      const { storage, run } = openStorage();
      run(put('a'));
      const cause = new Error('from the body');
      expect(() =>
        storage.transaction(() => {
          const namespaceId = storage.namespaces.ensure('other');
          const revision = storage.nextRevision();
          storage.entries.put({
            namespaceId,
            key: 'k',
            value: 1,
            expiresAt: Infinity,
            revision,
            tagSet: 0,
          });
          expect(storage.head).toBe(2);
          throw cause;
        }),
      ).toThrow(cause);
      expect([storage.revision, storage.head, storage.counts.total]).toEqual([1, 1, 1]);
      expect(storage.namespaces.idOf('other')).toBeUndefined();
      expect(run(put('b'))).toMatchObject({ revision: 2 });
      const rows = openDatabase(storage.path).prepare('SELECT count(*) FROM entries').pluck();
      expect(rows.get()).toBe(2);
    });

    it('refuses to begin while another process writes', () => {
      const { storage, run } = openStorage();
      const other = openDatabase(storage.path);
      other.exec('BEGIN IMMEDIATE');
      expect(() => run(put('a'))).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }));
      other.exec('COMMIT');
      expect(run(put('a'))).toMatchObject({ revision: 1 });
    });
  });

  describe('a failure inside SQLite', () => {
    it('of a write that had inserted its row leaves counts and tags right', () => {
      const { storage, run } = openStorage();
      run(put('a'));
      const other = openDatabase(storage.path);
      other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON changes WHEN new.key = 'b'
        BEGIN SELECT RAISE(ABORT, 'refused'); END`);
      for (const tags of [[], ['tag']]) {
        expect(() => run({ ...put('b'), tags })).toThrow('refused');
        // An update must not be taken for the insert that failed.
        run({ ...put('a'), tags: ['tag'] });
        expect(storage.counts.total).toBe(1);
        const removal = run<'deleteTag'>({
          kind: 'deleteTag',
          namespace: 'n',
          tag: 'tag',
          step: undefined,
        });
        expect(removal.keys).toEqual(['a']);
        run(put('a'));
      }
      expect(storage.counts.total).toBe(1);
    });

    it('of one statement in a transaction undoes the whole', () => {
      const { storage, run } = openStorage();
      run(put('a'));
      openDatabase(storage.path).exec('ALTER TABLE tags RENAME TO gone');
      expect(() => run({ ...put('b'), tags: ['tag'] })).toThrow('no such table');
      expect(storage.entries.find(storage.namespaces.idOf('n') ?? 0, 'b')).toBeUndefined();
      expect([storage.revision, storage.counts.total]).toEqual([1, 1]);
    });
  });

  describe("an update that follows an insert into another table under the next entry's id", () => {
    it.each([
      ['a deletion that is logged', (storage: Storage) => storage.changes.append(2, 1, 0, 'x')],
      ['a mark of the log', (storage: Storage) => storage.changes.mark(2, 0)],
      [
        'a waiter for a lock',
        (storage: Storage) => {
          for (const owner of ['first', 'second']) {
            storage.leases.enqueue({ kind: 0, name: 'lock' }, owner, 1000, 1, 1e9);
          }
        },
      ],
    ])('is no insert: %s', (_name, insert) => {
      const { storage, run } = openStorage();
      run(put('a'));
      storage.transaction(() => insert(storage));
      storage.transaction(() => {
        // As any command would do.
        while (storage.head < 2) storage.nextRevision();
      });
      run({ ...put('a'), tags: ['tag'] });
      expect(storage.counts.total).toBe(1);
      const step = undefined;
      const { keys } = run<'deleteTag'>({ kind: 'deleteTag', namespace: 'n', tag: 'tag', step });
      expect(keys).toEqual(['a']);
    });
  });

  it('puts a damaged file aside later, when another process was just opening it', () => {
    const { storage } = openStorage();
    const { path, historyId } = storage;
    const opening = new FileLock(join(dirname(path), 'hypercache.lock'));
    opening.shareNow();
    expect(() => storage.replace('corrupt')).toThrow(
      expect.objectContaining({ code: expect.stringMatching('SQLITE_BUSY') }),
    );
    expect([storage.isUnlinked(), storage.lossReason]).toEqual([true, 'corrupt']);
    opening.release();

    const aside = storage.replace(storage.lossReason);
    expect(aside).toMatch(/\.corrupt-/);
    expect(storage.historyId).not.toBe(historyId);
    expect([storage.isUnlinked(), storage.lossReason]).toEqual([false, 'unlinked']);
  });

  it('tells the bytes that are used and those of the file', () => {
    const { storage, run } = openStorage();
    for (let i = 0; i < 100; i++) run({ ...put(`k${i}`), value: Buffer.alloc(10_000) });
    const full = storage.size();
    expect(full.usedBytes).toBeGreaterThan(1_000_000);
    run<'deletePrefix'>({ kind: 'deletePrefix', namespace: 'n', prefix: '', step: undefined });
    const empty = storage.size();
    expect(empty.usedBytes).toBeLessThan(200_000);
    expect(empty.fileBytes).toBe(full.fileBytes);
    storage.release(512 * 1024);
    expect(storage.size().fileBytes).toBeLessThanOrEqual(full.fileBytes - 500 * 1024);
    expect(storage.walBytes()).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ChangeKind } from '../../../lib/sqlite/change-log.js';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { useStorages } from '../../support/storages.js';

const NAMESPACE = 1;
const { Key, Clear, Prefix, Tag } = ChangeKind;

describe('ChangeLog', () => {
  const openStorage = useStorages();

  function append(
    storage: Storage,
    kind: ChangeKind,
    key: string,
    namespaceId = NAMESPACE,
  ): number {
    return storage.transaction(() => {
      const revision = storage.nextRevision();
      storage.changes.append(revision, namespaceId, kind, key);
      return revision;
    });
  }

  function appendMany(storage: Storage, count: number): void {
    storage.transaction(() => {
      for (let i = 0; i < count; i++) {
        storage.changes.append(storage.nextRevision(), NAMESPACE, Key, `k${i}`);
      }
    });
  }

  function trim(storage: Storage, revision: number, limit: number): number {
    return storage.transaction(() => storage.changes.trim(revision, limit));
  }

  it('is empty in a new file', () => {
    const { changes } = openStorage().storage;
    expect([changes.head(), changes.oldest(), changes.since(0)]).toEqual([0, 0, []]);
  });

  it('tells what came after a revision, oldest first', () => {
    const { storage } = openStorage();
    append(storage, Key, 'a');
    append(storage, Tag, 't');
    append(storage, Prefix, '');
    expect(storage.changes.since(1)).toEqual([
      { revision: 2, namespace_id: NAMESPACE, kind: Tag, key: 't' },
      { revision: 3, namespace_id: NAMESPACE, kind: Prefix, key: '' },
    ]);
  });

  it('has a row for each write of an entry, whoever makes it', () => {
    const { storage, run } = openStorage();
    const target = { namespace: 'n', key: 'k' };
    run<'set'>({ kind: 'set', ...target, value: 1, expiresAt: Infinity, tags: [] });
    run<'increment'>({ kind: 'increment', ...target, by: 1, initial: 0, expiresAt: Infinity });
    run<'touch'>({ kind: 'touch', ...target, expiresAt: Infinity });
    run<'delete'>({ kind: 'delete', ...target });
    run<'delete'>({ kind: 'delete', ...target });
    expect(storage.changes.since(0).map(({ revision, key }) => [revision, key])).toEqual([
      [1, 'k'],
      [2, 'k'],
      [3, 'k'],
      [4, 'k'],
      [5, 'k'],
    ]);
  });

  describe('conflictsWith', () => {
    const target = { namespaceId: NAMESPACE, key: 'user:1', tags: ['blue'], seen: 0 };

    it.each([
      ['the key', Key, 'user:1'],
      ['a clear', Clear, ''],
      ['a prefix of the key', Prefix, 'user:'],
      ['the key as a prefix', Prefix, 'user:1'],
      ['the empty prefix', Prefix, ''],
      ['one of the tags', Tag, 'blue'],
    ])('is so for %s', (_name, kind, key) => {
      const { storage } = openStorage();
      append(storage, kind, key);
      expect(storage.changes.conflictsWith(target, storage.revision)).toBe(true);
    });

    it.each([
      ['another key', Key, 'user:2', NAMESPACE],
      ['a key that begins like it', Key, 'user:12', NAMESPACE],
      ['the prefix as a key', Key, 'user:', NAMESPACE],
      ['a prefix that the key only contains', Prefix, 'ser:', NAMESPACE],
      ['a longer prefix', Prefix, 'user:12', NAMESPACE],
      ['a prefix in other letters', Prefix, 'USER:', NAMESPACE],
      ['another tag', Tag, 'red', NAMESPACE],
      ['the key as a tag', Tag, 'user:1', NAMESPACE],
      ['a tag as a key', Key, 'blue', NAMESPACE],
      ['the key in another namespace', Key, 'user:1', NAMESPACE + 1],
      ['a clear of another namespace', Clear, '', NAMESPACE + 1],
    ])('is not so for %s', (_name, kind, key, namespaceId) => {
      const { storage } = openStorage();
      append(storage, kind, key, namespaceId);
      expect(storage.changes.conflictsWith(target, storage.revision)).toBe(false);
    });

    it.each([
      ['a\0b', 'a\0bc', true],
      ['a\0b', 'a\0c', false],
      ['a\0', 'a', false],
      ['\0', '\0', true],
      ['\u{1f600}', '\u{1f600}x', true],
      ['\u{1f600}', '\u{1f601}', false],
      ['%', 'anything', false],
      ['_', 'a', false],
    ])('of prefix %j and key %j is %p', (prefix, key, expected) => {
      const { storage } = openStorage();
      append(storage, Prefix, prefix);
      expect(storage.changes.conflictsWith({ ...target, key }, storage.revision)).toBe(expected);
    });

    it.each(['a\0b', '"', '\\', '\u2028', '\u{1f600}', '[]', 'null'])(
      'finds the tag %j among several',
      (tag) => {
        const { storage } = openStorage();
        append(storage, Tag, tag);
        const { changes, revision } = storage;
        expect(changes.conflictsWith({ ...target, tags: ['x', tag] }, revision)).toBe(true);
        expect(changes.conflictsWith({ ...target, tags: ['x', `${tag}x`] }, revision)).toBe(false);
      },
    );

    it('looks only at what came after it was seen', () => {
      const { storage } = openStorage();
      append(storage, Key, 'user:1');
      append(storage, Key, 'user:2');
      const { changes, revision } = storage;
      expect(changes.conflictsWith({ ...target, seen: 1 }, revision)).toBe(false);
      expect(changes.conflictsWith({ ...target, seen: 0 }, revision)).toBe(true);
    });

    it('is assumed when the log does not reach back that far', () => {
      const { storage } = openStorage();
      appendMany(storage, 10);
      trim(storage, 4, 100);
      const { changes, revision } = storage;
      expect(changes.conflictsWith({ ...target, seen: 3 }, revision)).toBe(true);
      expect(changes.conflictsWith({ ...target, seen: 4 }, revision)).toBe(false);
    });
  });

  describe('trim', () => {
    it('removes the oldest rows up to a revision, a bounded number at a time', () => {
      const { storage } = openStorage();
      appendMany(storage, 100);
      expect(trim(storage, 70, 50)).toBe(50);
      expect([storage.changes.oldest(), storage.changes.head()]).toEqual([51, 100]);
      expect(trim(storage, 70, 50)).toBe(20);
      expect(trim(storage, 70, 50)).toBe(0);
      expect([storage.changes.oldest(), storage.changes.head()]).toEqual([71, 100]);
    });

    it.each([100, 101, 1_000_000])('never removes the last row: up to revision %d', (revision) => {
      const { storage } = openStorage();
      appendMany(storage, 100);
      trim(storage, revision, 1000);
      trim(storage, revision, 1000);
      expect([storage.changes.oldest(), storage.changes.head()]).toEqual([100, 100]);
      expect(append(storage, Key, 'k')).toBe(101);
    });

    it('counts revisions that have no row, as a replica has them', () => {
      const { storage } = openStorage();
      appendMany(storage, 10);
      storage.transaction(() => {
        storage.advanceTo(60);
        storage.changes.append(storage.nextRevision(), NAMESPACE, Key, 'later');
      });
      appendMany(storage, 39);
      expect(trim(storage, 90, 50)).toBe(50);
      expect(storage.changes.oldest()).toBe(61);
      expect(trim(storage, 90, 20)).toBe(20);
    });

    it('of an empty log does nothing', () => {
      expect(trim(openStorage().storage, 5, 10)).toBe(0);
    });
  });

  it('remembers where its head was at some times', () => {
    const { storage } = openStorage();
    const mark = (revision: number, at: number): void =>
      storage.transaction(() => storage.changes.mark(revision, at));
    appendMany(storage, 30);
    mark(10, 1000);
    mark(20, 2000);
    expect([999, 1000, 1999, 2000, 9999].map((time) => storage.changes.headAt(time))).toEqual([
      0, 10, 10, 20, 20,
    ]);
  });
});

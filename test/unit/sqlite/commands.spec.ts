import { describe, expect, it } from '@jest/globals';
import { CommandExecutor } from '../../../lib/sqlite/commands/command-executor.js';
import type { Command, RemovalStep } from '../../../lib/engine/command.js';
import { LeaseKind } from '../../../lib/engine/lease.js';
import type { StoredValue } from '../../../lib/value/codec.js';
import type { EntryRow } from '../../../lib/sqlite/entry-table.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useDatabases, useStorages } from '../../support/storages.js';

const NEVER = Infinity;

interface Put {
  readonly value?: StoredValue;
  readonly expiresAt?: number;
  readonly tags?: readonly string[];
  readonly namespace?: string;
}

describe('commands', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();

  function setUp() {
    const clock = new ManualClock();
    const { storage, run } = openStorage({ clock });
    const stored = (key: string, { value = 'v', expiresAt = NEVER, tags = [] }: Put) => ({
      namespace: 'n',
      key,
      value,
      expiresAt,
      tags,
    });
    const find = (key: string): EntryRow | undefined => {
      const namespaceId = storage.namespaces.idOf('n');
      return namespaceId === undefined ? undefined : storage.entries.find(namespaceId, key);
    };
    return {
      clock,
      storage,
      run,
      find,
      executor: new CommandExecutor(storage, clock),
      in: (ms: number): number => clock.now() + ms,
      set: (key: string, put: Put = {}) => run<'set'>({ kind: 'set', ...stored(key, put) }),
      add: (key: string, put: Put = {}) => run<'add'>({ kind: 'add', ...stored(key, put) }),
      setIf: (key: string, revision: number, put: Put = {}) =>
        run<'setIf'>({ kind: 'setIf', ...stored(key, put), revision }),
      fill: (key: string, seen: number, put: Put = {}) =>
        run<'fill'>({ kind: 'fill', ...stored(key, put), seen }),
      remove: (key: string) => run<'delete'>({ kind: 'delete', namespace: 'n', key }),
      pull: (key: string) => run<'pull'>({ kind: 'pull', namespace: 'n', key }),
      touch: (key: string, expiresAt: number) =>
        run<'touch'>({ kind: 'touch', namespace: 'n', key, expiresAt }),
      increment: (key: string, by = 1, { initial = 0, expiresAt = NEVER } = {}) =>
        run<'increment'>({ kind: 'increment', namespace: 'n', key, by, initial, expiresAt }),
      deletePrefix: (prefix: string, step?: RemovalStep) =>
        run<'deletePrefix'>({ kind: 'deletePrefix', namespace: 'n', prefix, step }),
      deleteTag: (tag: string, step?: RemovalStep) =>
        run<'deleteTag'>({ kind: 'deleteTag', namespace: 'n', tag, step }),
      clear: (namespace = 'n') => run<'clear'>({ kind: 'clear', namespace }),
    };
  }

  /** Keys of many entries, in their order. */
  function many(count: number): string[] {
    return Array.from({ length: count }, (_, i) => `k${String(i).padStart(5, '0')}`);
  }

  describe('set', () => {
    it('stores, replaces, and gives each write the next revision', () => {
      const { set, find, storage } = setUp();
      expect(set('a', { value: 1 })).toEqual({ stored: true, revision: 1 });
      expect(set('a', { value: 'two', expiresAt: 5 })).toEqual({ stored: true, revision: 2 });
      expect(find('a')).toMatchObject({ value: 'two', expires_at: 5, revision: 2 });
      expect(storage.counts.total).toBe(1);
    });

    it('keeps a number a REAL, a string a TEXT and bytes a BLOB', () => {
      const { set, find } = setUp();
      for (const value of [5, 0.5, 2 ** 60, '5', '', Buffer.from([5])]) {
        set('k', { value });
        expect(find('k')?.value).toStrictEqual(value);
      }
    });
  });

  describe('add', () => {
    it('stores when the key is missing, and leaves a live entry alone', () => {
      const { add, find } = setUp();
      expect(add('a', { value: 1 })).toEqual({ stored: true, revision: 1 });
      expect(add('a', { value: 2 })).toEqual({ stored: false, revision: 1 });
      expect(find('a')?.value).toBe(1);
    });

    it('takes the place of an expired entry, from the deadline on', () => {
      const test = setUp();
      test.set('a', { value: 1, expiresAt: test.in(10) });
      test.clock.advance(9);
      expect(test.add('a', { value: 2 }).stored).toBe(false);
      test.clock.advance(1);
      expect(test.add('a', { value: 3 }).stored).toBe(true);
      expect(test.find('a')).toMatchObject({ value: 3, expires_at: NEVER });
      expect(test.storage.counts.total).toBe(1);
    });
  });

  describe('setIf', () => {
    it('stores over the revision that was seen, once', () => {
      const { set, setIf, find } = setUp();
      const { revision } = set('a', { value: 1 });
      expect(setIf('a', revision, { value: 2 })).toEqual({ stored: true, revision: 2 });
      expect(setIf('a', revision, { value: 3 })).toEqual({ stored: false, revision: 2 });
      expect(find('a')?.value).toBe(2);
    });

    it('with revision 0 stores only if there is no live entry', () => {
      const test = setUp();
      expect(test.setIf('a', 0, { expiresAt: test.in(10) })).toEqual({ stored: true, revision: 1 });
      expect(test.setIf('a', 0)).toEqual({ stored: false, revision: 1 });
      test.clock.advance(10);
      expect(test.setIf('a', 0).stored).toBe(true);
      test.remove('a');
      expect(test.setIf('a', 0).stored).toBe(true);
    });

    it('refuses a revision that is expired, deleted or of another key, and says that there is none', () => {
      const test = setUp();
      const { revision } = test.set('a', { expiresAt: test.in(10) });
      expect(test.setIf('b', revision)).toEqual({ stored: false, revision: 0 });
      test.clock.advance(10);
      expect(test.setIf('a', revision)).toEqual({ stored: false, revision: 0 });
      test.remove('a');
      expect(test.setIf('a', revision)).toEqual({ stored: false, revision: 0 });
    });

    it.each([
      ['set', (t: ReturnType<typeof setUp>) => t.set('a')],
      ['touch', (t: ReturnType<typeof setUp>) => t.touch('a', NEVER)],
      ['increment', (t: ReturnType<typeof setUp>) => t.increment('a')],
      ['delete and set', (t: ReturnType<typeof setUp>) => [t.remove('a'), t.set('a')]],
      ['clear and set', (t: ReturnType<typeof setUp>) => [t.clear(), t.set('a')]],
    ])('refuses a revision from before a %s', (_name, change) => {
      const test = setUp();
      const { revision } = test.set('a', { value: 1 });
      change(test);
      expect(test.setIf('a', revision, { value: 'stale' }).stored).toBe(false);
      expect(test.find('a')?.value).not.toBe('stale');
    });
  });

  describe('fill', () => {
    it('stores when nothing happened since the key was found missing', () => {
      const { fill, set, find, storage } = setUp();
      set('other');
      expect(fill('a', storage.revision, { value: 1 })).toEqual({ stored: true, revision: 2 });
      expect(find('a')?.value).toBe(1);
    });

    it('in a namespace that nobody has written yet', () => {
      expect(setUp().fill('a', 0).stored).toBe(true);
    });

    it.each([
      ['delete', (t: ReturnType<typeof setUp>) => t.remove('a'), undefined],
      ['pull', (t: ReturnType<typeof setUp>) => t.pull('a'), undefined],
      ['set', (t: ReturnType<typeof setUp>) => t.set('a', { value: 'new' }), 'new'],
      ['add', (t: ReturnType<typeof setUp>) => t.add('a', { value: 'new' }), 'new'],
      ['set and delete', (t: ReturnType<typeof setUp>) => [t.set('a'), t.remove('a')], undefined],
      ['clear', (t: ReturnType<typeof setUp>) => t.clear(), undefined],
      ['two clears', (t: ReturnType<typeof setUp>) => [t.clear(), t.clear()], undefined],
      ['delByPrefix', (t: ReturnType<typeof setUp>) => t.deletePrefix(''), undefined],
      ['delByTag', (t: ReturnType<typeof setUp>) => t.deleteTag('blue'), undefined],
    ])('gives way to a %s that came in between', (_name, change, value) => {
      const test = setUp();
      test.set('other');
      const seen = test.storage.revision;
      change(test);
      expect(test.fill('a', seen, { value: 'stale', tags: ['blue'] }).stored).toBe(false);
      expect(test.find('a')?.value).toBe(value);
    });

    it('does not give way to what happens to others', () => {
      const test = setUp();
      const seen = test.storage.revision;
      test.set('b');
      test.remove('ab');
      test.deletePrefix('ab');
      test.deleteTag('red');
      test.clear('other');
      expect(test.fill('a', seen, { tags: ['blue'] }).stored).toBe(true);
    });
  });

  describe('delete and pull', () => {
    it('tell whether there was a live entry', () => {
      const test = setUp();
      test.set('a');
      test.set('b', { expiresAt: test.in(10) });
      expect(test.remove('a').deleted).toBe(true);
      expect(test.remove('a').deleted).toBe(false);
      test.clock.advance(10);
      expect(test.remove('b').deleted).toBe(false);
      expect(test.find('b')).toBeUndefined();
      expect(test.storage.counts.total).toBe(0);
    });

    it('give the value once', () => {
      const test = setUp();
      test.set('a', { value: 'once' });
      test.set('b', { expiresAt: test.in(10) });
      expect(test.pull('a').value).toBe('once');
      expect(test.pull('a').value).toBeUndefined();
      test.clock.advance(10);
      expect(test.pull('b').value).toBeUndefined();
    });

    it('take the tags along, so that a key that is made again has none', () => {
      const test = setUp();
      test.set('a', { tags: ['t'] });
      test.remove('a');
      test.set('a');
      expect(test.deleteTag('t').deleted).toBe(0);
      expect(test.find('a')).toBeDefined();
    });
  });

  describe('touch', () => {
    it('changes the deadline alone', () => {
      const test = setUp();
      test.set('a', { value: 'v', tags: ['t'], expiresAt: test.in(10) });
      expect(test.touch('a', test.in(1000))).toEqual({ touched: true, revision: 2 });
      test.clock.advance(999);
      expect(test.find('a')).toMatchObject({ value: 'v', expires_at: test.in(1) });
      expect(test.deleteTag('t').deleted).toBe(1);
    });

    it('does not wake an expired entry, nor make one', () => {
      const test = setUp();
      test.set('a', { expiresAt: test.in(10) });
      test.clock.advance(10);
      expect(test.touch('a', NEVER)).toEqual({ touched: false, revision: 1 });
      expect(test.touch('missing', NEVER).touched).toBe(false);
      expect(test.find('missing')).toBeUndefined();
      expect(test.storage.revision).toBe(1);
    });
  });

  describe('increment', () => {
    it('keeps deadline and tags of the counter', () => {
      const test = setUp();
      const deadline = test.in(1000);
      test.set('a', { value: 5, expiresAt: deadline, tags: ['t'] });
      expect(test.increment('a', 2, { initial: 100, expiresAt: test.in(9) })).toEqual({
        value: 7,
        expiresAt: deadline,
        freshUntil: deadline,
        revision: 2,
      });
      expect(test.find('a')).toMatchObject({ value: 7, expires_at: deadline });
      expect(test.deleteTag('t').keys).toEqual(['a']);
    });

    it('starts at its initial value, with the deadline given, when there is no live counter', () => {
      const test = setUp();
      const deadline = test.in(10);
      const first = test.increment('a', 3, { initial: 100, expiresAt: deadline });
      expect(first).toMatchObject({ value: 103, expiresAt: deadline });
      test.clock.advance(10);
      expect(test.increment('a', -1, { initial: 50 })).toMatchObject({
        value: 49,
        expiresAt: NEVER,
      });
    });

    it('of an expired counter leaves its tags behind', () => {
      const test = setUp();
      test.set('a', { value: 1, tags: ['t'], expiresAt: test.in(10) });
      test.clock.advance(10);
      test.increment('a');
      expect(test.deleteTag('t').deleted).toBe(0);
      expect(test.find('a')?.value).toBe(1);
    });

    it.each([
      ['a string', '5'],
      ['a fraction', 0.5],
      ['bytes', Buffer.from([1])],
      ['an unsafe integer', 2 ** 53],
    ])('refuses %s, and changes nothing', (_name, value) => {
      const test = setUp();
      test.set('a', { value });
      expect(() => test.increment('a')).toThrow(
        expect.objectContaining({ code: 'HC_NOT_AN_INTEGER' }),
      );
      expect(test.find('a')).toMatchObject({ value, revision: 1 });
      expect(test.storage.revision).toBe(1);
    });

    it('refuses to leave the safe integers, at both ends and from the start', () => {
      const test = setUp();
      const largest = Number.MAX_SAFE_INTEGER;
      const OUT_OF_RANGE = expect.objectContaining({ code: 'HC_NUMBER_RANGE' });
      expect(test.increment('up', 1, { initial: largest - 1 }).value).toBe(largest);
      expect(() => test.increment('up')).toThrow(OUT_OF_RANGE);
      expect(test.increment('down', -1, { initial: 1 - largest }).value).toBe(-largest);
      expect(() => test.increment('down', -1)).toThrow(OUT_OF_RANGE);
      expect(() => test.increment('new', 1, { initial: largest })).toThrow(OUT_OF_RANGE);
      expect(test.find('new')).toBeUndefined();
      expect(test.find('up')?.value).toBe(largest);
    });
  });

  describe('delByPrefix', () => {
    it('removes what begins with it, counts the live ones, and logs the deletion', () => {
      const test = setUp();
      for (const key of ['a', 'a:1', 'a:2', 'a;', 'b']) test.set(key);
      test.set('a:3', { expiresAt: test.in(10) });
      test.clock.advance(10);
      const removal = test.deletePrefix('a:');
      expect(removal).toMatchObject({ keys: ['a:1', 'a:2', 'a:3'], deleted: 2, next: undefined });
      expect(['a', 'a;', 'b'].map((key) => test.find(key)?.value)).toEqual(['v', 'v', 'v']);
      expect(test.storage.counts.total).toBe(3);
    });

    it('takes no wildcards', () => {
      const test = setUp();
      for (const key of ['%', '%1', '_1', 'a1', '*1', '[a]']) test.set(key);
      expect(test.deletePrefix('%').keys).toEqual(['%', '%1']);
      expect(test.deletePrefix('_').keys).toEqual(['_1']);
    });

    it('goes in steps of 500, each from where the last one ended', () => {
      const test = setUp();
      const keys = many(1200);
      for (const key of keys) test.set(key);
      const first = test.deletePrefix('k');
      const second = test.deletePrefix('k', first.next);
      const third = test.deletePrefix('k', second.next);
      expect([first, second, third].map(({ deleted }) => deleted)).toEqual([500, 500, 200]);
      expect([...first.keys, ...second.keys, ...third.keys]).toEqual(keys);
      expect(third.next).toBeUndefined();
    });

    it('ends with an empty step when the last one was just full', () => {
      const test = setUp();
      for (const key of many(500)) test.set(key);
      const first = test.deletePrefix('');
      expect(first.keys).toHaveLength(500);
      expect(test.deletePrefix('', first.next)).toMatchObject({ keys: [], next: undefined });
    });

    it('spares entries that were written after its start', () => {
      const test = setUp();
      for (const key of many(600)) test.set(key);
      const first = test.deletePrefix('k');
      test.set('k00000', { value: 'again' });
      test.set('k00599', { value: 'newer' });
      const second = test.deletePrefix('k', first.next);
      expect(second).toMatchObject({ deleted: 99, next: undefined });
      expect(test.find('k00000')?.value).toBe('again');
      expect(test.find('k00599')?.value).toBe('newer');
      expect(test.storage.counts.total).toBe(2);
    });
  });

  describe('delByTag', () => {
    it('removes the entries that have the tag now', () => {
      const test = setUp();
      test.set('both', { tags: ['t', 'u'] });
      test.set('retagged', { tags: ['t'] });
      test.set('retagged', { tags: ['u'] });
      test.set('untagged', { tags: ['t'] });
      test.set('untagged');
      test.set('gone', { tags: ['t'] });
      test.remove('gone');
      test.set('again', { tags: ['t'] });
      test.remove('again');
      test.set('again', { tags: ['t'] });
      test.set('plain');
      expect(new Set(test.deleteTag('t').keys)).toEqual(new Set(['both', 'again']));
      expect(test.deleteTag('u').keys).toEqual(['retagged']);
      expect(test.find('untagged')).toBeDefined();
      expect(test.storage.counts.total).toBe(2);
    });

    it('counts the live ones, and removes the expired ones too', () => {
      const test = setUp();
      test.set('live', { tags: ['t'] });
      test.set('expired', { tags: ['t'], expiresAt: test.in(10) });
      test.clock.advance(10);
      expect(test.deleteTag('t')).toMatchObject({ deleted: 1 });
      expect(test.storage.counts.total).toBe(0);
    });

    it('keeps to its namespace', () => {
      const test = setUp();
      test.set('k', { tags: ['t'] });
      test.run<'set'>({
        kind: 'set',
        namespace: 'other',
        key: 'k',
        value: 1,
        expiresAt: NEVER,
        tags: ['t'],
      });
      expect(test.deleteTag('t').deleted).toBe(1);
      expect(test.storage.counts.total).toBe(1);
    });

    it('takes a tag that is given twice for one', () => {
      const test = setUp();
      test.set('k', { tags: ['t', 't'] });
      expect(test.deleteTag('t').deleted).toBe(1);
    });

    it('goes in steps of 500 when more share the tag', () => {
      const test = setUp();
      for (const key of many(1300)) test.set(key, { tags: ['t'] });
      const counts: number[] = [];
      let step: RemovalStep | undefined;
      do {
        const removal = test.deleteTag('t', step);
        counts.push(removal.deleted);
        step = removal.next;
      } while (step !== undefined);
      expect(counts).toEqual([500, 500, 300]);
      expect(test.storage.counts.total).toBe(0);
    });

    it('spares entries that were given the tag after its start, not those that were merely touched', () => {
      const test = setUp();
      for (const key of many(600)) test.set(key, { value: 1, tags: ['t'] });
      const first = test.deleteTag('t');
      const left = many(600).filter((key) => test.find(key) !== undefined);
      const [rewritten = '', touched = '', counted = ''] = left;
      test.set(rewritten, { value: 'new', tags: ['t'] });
      test.touch(touched, NEVER);
      test.increment(counted);
      expect(test.deleteTag('t', first.next).deleted).toBe(99);
      expect(test.find(rewritten)?.value).toBe('new');
      expect(test.find(touched)).toBeUndefined();
      expect(test.find(counted)).toBeUndefined();
    });
  });

  describe('clear', () => {
    it('hides everything of its namespace at once, and tells how many entries that was', () => {
      const test = setUp();
      for (const key of many(100)) test.set(key);
      test.run<'set'>({
        kind: 'set',
        namespace: 'other',
        key: 'k',
        value: 1,
        expiresAt: NEVER,
        tags: [],
      });
      expect(test.clear().deleted).toBe(100);
      expect(test.find('k00000')).toBeUndefined();
      expect(test.clear().deleted).toBe(0);
      expect(test.clear('other').deleted).toBe(1);
    });

    it('hides tags and prefixes too', () => {
      const test = setUp();
      test.set('a', { tags: ['t'] });
      test.clear();
      test.set('b', { tags: ['t'] });
      expect(test.deletePrefix('a').keys).toEqual([]);
      expect(test.deleteTag('t').keys).toEqual(['b']);
    });

    it('takes as long for 200,000 entries as for none', () => {
      const test = setUp();
      test.set('k');
      // SQLite fills the table faster than commands would.
      const namespaceId = test.storage.namespaces.idOf('n');
      openDatabase(test.storage.path).exec(`WITH RECURSIVE i(n) AS (
          SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 200000)
        INSERT INTO entries SELECT 10 + n, ${namespaceId}, 'k' || n, 10 + n, 9e999, 0, 'v', NULL FROM i`);
      expect(test.storage.transaction(() => test.storage.changes.head())).toBe(200_010);
      // Time on the processor: what else the machine does changes nothing.
      const before = process.cpuUsage();
      test.clear();
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(20);
      expect(test.find('k')).toBeUndefined();
      expect(test.find('k100')).toBeUndefined();
    });
  });

  describe('a batch', () => {
    it('has one outcome for each command, and a refusal fails no neighbour', () => {
      const { executor, set, find, storage } = setUp();
      set('text', { value: 'text' });
      const increment = (key: string): Command => ({
        kind: 'increment',
        namespace: 'n',
        key,
        by: 1,
        initial: 0,
        expiresAt: NEVER,
      });
      const outcomes = executor.write([increment('a'), increment('text'), increment('a')]);
      expect(outcomes).toMatchObject([{ value: 1 }, { code: 'HC_NOT_AN_INTEGER' }, { value: 2 }]);
      expect(find('a')).toMatchObject({ value: 2, revision: 3 });
      expect(storage.revision).toBe(3);
    });

    it('happens as a whole or not at all', () => {
      const { executor, storage, find } = setUp();
      openDatabase(storage.path).exec(`CREATE TRIGGER refuse BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'refused'); END`);
      const set: Command = {
        kind: 'set',
        namespace: 'n',
        key: 'a',
        value: 1,
        expiresAt: NEVER,
        tags: ['t'],
      };
      const remove: Command = { kind: 'delete', namespace: 'n', key: 'a' };
      expect(() => executor.write([set, { kind: 'clear', namespace: 'm' }, remove])).toThrow(
        'refused',
      );
      expect(find('a')).toBeUndefined();
      expect([storage.revision, storage.counts.total]).toEqual([0, 0]);
      expect(storage.namespaces.idOf('n')).toBeUndefined();
      expect(executor.write([set])).toEqual([{ stored: true, revision: 1 }]);
      expect(storage.namespaces.idOf('m')).toBeUndefined();
    });

    it('ends when its time is over, after one command at least', () => {
      const { executor, clock } = setUp();
      const { monotonic } = clock;
      clock.monotonic = () => {
        clock.advance(1);
        return monotonic.call(clock);
      };
      const sets = Array.from({ length: 100 }, (_, i): Command => {
        return { kind: 'set', namespace: 'n', key: `k${i}`, value: 1, expiresAt: NEVER, tags: [] };
      });
      const done = executor.write(sets).length;

      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThan(10);
      clock.advance(1000);
      expect(executor.write(sets.slice(done))[0]).toEqual({ stored: true, revision: done + 1 });
    });

    it('ends when it has written many bytes of tags', () => {
      const { executor, storage } = setUp();
      const sets = Array.from({ length: 100 }, (_, i): Command => {
        const tags = Array.from({ length: 64 }, (__, j) => `${i}:${j}:`.padEnd(1000, 'x'));
        return { kind: 'set', namespace: 'n', key: `k${i}`, value: 1, expiresAt: NEVER, tags };
      });
      expect(executor.write(sets).length).toBeLessThan(5);
      expect(storage.tags.written).toBeLessThan(256 * 1024);
    });

    it('is judged at one time', () => {
      const { executor, clock, set } = setUp();
      set('a', { expiresAt: clock.now() });
      const add: Command = {
        kind: 'add',
        namespace: 'n',
        key: 'a',
        value: 1,
        expiresAt: clock.now() + 1,
        tags: [],
      };
      expect(executor.write([add, add])).toMatchObject([{ stored: true }, { stored: false }]);
    });
  });

  describe('an acquisition that goes back into the queue', () => {
    it('is given the slot that it was served meanwhile, and no place beside the one that it has', () => {
      const { run } = setUp();
      const lease = { kind: LeaseKind.Semaphore, name: 'exports' } as const;
      const acquire = (owner: string, isAgain: boolean) =>
        run<'acquireLease'>({
          kind: 'acquireLease',
          lease,
          owner,
          ttl: 1000,
          slots: 2,
          wait: 1000,
          isAgain,
        });
      const { grant } = acquire('Anna', false);
      acquire('Bert', false);
      acquire('Carl', false);

      expect(acquire('Anna', true)).toMatchObject({ done: true, grant });
      expect(acquire('Carl', true)).toMatchObject({ done: false, grant: undefined });
      const { handOvers } = run<'forceReleaseLease'>({ kind: 'forceReleaseLease', lease });
      expect(handOvers.map(({ owner }) => owner)).toEqual(['Carl']);
    });
  });
});

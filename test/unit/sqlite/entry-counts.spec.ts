import { describe, expect, it } from '@jest/globals';
import { CountTable, type NamespaceCount } from '../../../lib/sqlite/count-table.js';
import { EntryCounts } from '../../../lib/sqlite/entry-counts.js';
import { connect } from '../../../lib/sqlite/native.js';
import { useStorages } from '../../support/storages.js';

describe('EntryCounts', () => {
  const openStorage = useStorages();

  function setUp(initial: readonly NamespaceCount[], isShared = false) {
    const { storage } = openStorage();
    const table = new CountTable(connect(storage.path));
    table.replace(isShared ? initial : []);
    return { table, counts: new EntryCounts(table, isShared ? [] : initial, isShared) };
  }

  describe.each([
    ['of one process', false],
    ['of several processes', true],
  ])('%s', (_who, isShared) => {
    const commit = (counts: EntryCounts): void => {
      counts.write();
      counts.commit();
    };

    it('begin with what is there', () => {
      const { counts } = setUp(
        [
          [1, 10],
          [2, 5],
        ],
        isShared,
      );
      expect([counts.total, counts.of(1), counts.of(2), counts.of(3)]).toEqual([15, 10, 5, 0]);
    });

    it('show a transaction to itself, and to all when it is committed', () => {
      const { counts } = setUp([[1, 10]], isShared);
      counts.stage(1, 2);
      counts.stage(1, -5);
      counts.stage(2, 1);
      expect([counts.total, counts.of(1), counts.of(2)]).toEqual([10, 7, 1]);
      commit(counts);
      expect([counts.total, counts.of(1), counts.of(2)]).toEqual([8, 7, 1]);
    });

    it('forget a transaction that is rolled back', () => {
      const { counts } = setUp([[1, 10]], isShared);
      counts.stage(1, 2);
      counts.rollback();
      commit(counts);
      expect([counts.total, counts.of(1)]).toEqual([10, 10]);
    });

    it('stand in the file when they are saved, without what is empty', () => {
      const { counts, table } = setUp(
        [
          [1, 1],
          [2, 3],
        ],
        isShared,
      );
      counts.stage(1, -1);
      counts.stage(2, 1);
      commit(counts);
      counts.save();
      counts.commit();
      expect(table.all()).toEqual([[2, 4]]);
      expect(table.total).toBe(4);
    });
  });

  it('are saved by the next transaction when that one failed', () => {
    const { counts, table } = setUp([[1, 10]]);
    table.replace([[1, 10]]);
    counts.stage(1, 5);
    counts.commit();
    counts.save();
    counts.rollback();
    table.replace([[1, 10]]);
    counts.save();
    counts.commit();
    expect(table.all()).toEqual([[1, 15]]);
  });

  it('write no more than what has changed', () => {
    const { counts, table } = setUp([
      [1, 1],
      [2, 2],
    ]);
    counts.stage(2, 1);
    counts.commit();
    counts.save();
    expect(table.all()).toEqual([[2, 3]]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { EntryCounts } from '../../../lib/sqlite/entry-counts.js';

describe('EntryCounts', () => {
  it('begin with what the file holds', () => {
    const counts = new EntryCounts([
      [1, 10],
      [2, 5],
    ]);
    expect([counts.total, counts.of(1), counts.of(2), counts.of(3)]).toEqual([15, 10, 5, 0]);
  });

  it('show a transaction to itself, and to all when it is committed', () => {
    const counts = new EntryCounts([[1, 10]]);
    counts.stage(1, 2);
    counts.stage(1, -5);
    counts.stage(2, 1);
    expect([counts.total, counts.of(1), counts.of(2)]).toEqual([10, 7, 1]);
    counts.commit();
    expect([counts.total, counts.of(1), counts.of(2)]).toEqual([8, 7, 1]);
  });

  it('forget a transaction that is rolled back', () => {
    const counts = new EntryCounts([[1, 10]]);
    counts.stage(1, 2);
    counts.rollback();
    counts.commit();
    expect([counts.total, counts.of(1)]).toEqual([10, 10]);
  });

  it('leave out of the file what is empty', () => {
    const counts = new EntryCounts([
      [1, 1],
      [2, 3],
    ]);
    counts.stage(1, -1);
    counts.commit();
    expect(counts.snapshot()).toEqual([[2, 3]]);
  });
});

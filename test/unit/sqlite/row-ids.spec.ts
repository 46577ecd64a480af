import { describe, expect, it } from '@jest/globals';
import { RowIds } from '../../../lib/sqlite/row-ids.js';

describe('RowIds', () => {
  it('go on behind the largest id in the file', () => {
    expect(new RowIds(0).next()).toBe(1);
    expect(new RowIds(41).next()).toBe(42);
  });

  it('give an id again until a row has it', () => {
    const ids = new RowIds(0);
    expect(ids.next()).toBe(1);
    expect(ids.next()).toBe(1);
    ids.used(1);
    expect(ids.next()).toBe(2);
  });

  it("never give SQLite's last insert id: an update would look like an insert", () => {
    const ids = new RowIds(0);
    ids.noteForeign(1);
    expect(ids.next()).toBe(2);
    ids.noteForeign(7);
    expect(ids.next()).toBe(2);
    ids.noteForeign(2);
    expect(ids.next()).toBe(3);
  });

  it('never give an id again that a failed statement may have left as the last insert id', () => {
    const ids = new RowIds(0);
    ids.noteForeign(2);
    ids.spoilt(ids.next());
    expect(ids.next()).toBe(3);
  });

  it('stay behind what other processes have inserted', () => {
    const ids = new RowIds(0);
    ids.restart(9);
    expect(ids.next()).toBe(10);
    ids.restart(3);
    expect(ids.next()).toBe(10);
  });
});

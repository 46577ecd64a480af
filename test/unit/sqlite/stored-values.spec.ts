import { describe, expect, it } from '@jest/globals';
import { captureValue } from '../../../lib/value/capture.js';
import type { StoredValue } from '../../../lib/value/codec.js';
import { systemRandom } from '../../../lib/common/random.js';
import type { Storage } from '../../../lib/sqlite/storage.js';
import { StoredValues } from '../../../lib/sqlite/stored-values.js';
import { useDatabases, useStorages } from '../../support/storages.js';

const encode = (storage: Storage, value: unknown): StoredValue =>
  storage.values.encode(captureValue(value, 1_000_000));

/** The form in which the names are left out. */
function shaped(storage: Storage, value: object): StoredValue {
  let stored: StoredValue = '';
  for (let i = 0; i < 5; i++) stored = encode(storage, value);
  return stored;
}

describe('StoredValues', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();

  it('keep a shape as a change, so that a replica has it before the values', () => {
    const { storage } = openStorage();
    const before = storage.revision;
    expect(shaped(storage, { a: 1 })).toBe('\t[1,1]');
    expect(storage.changes.since(before)).toEqual([
      { revision: before + 1, namespace_id: 0, kind: 4, key: '[1,"a"]' },
    ]);
    expect(storage.revision).toBe(before + 1);
  });

  it('read what another process has written in a shape of its own', () => {
    const { storage } = openStorage();
    expect(shaped(storage, { a: 1 })).toBe('\t[1,1]');
    openDatabase(storage.path).exec(`INSERT INTO shapes VALUES (2, '["b"]')`);
    expect(storage.values.decode('\t[[7,2],1]')).toEqual({ a: { b: 7 } });
    expect(encode(storage, { b: 1 })).toBe('\t[1,2]');
  });

  it('keep the names when no more shapes are kept', () => {
    const { storage } = openStorage();
    openDatabase(storage.path).exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO shapes SELECT i, json_array('field ' || i) FROM n`,
    );
    const stored = shaped(storage, { a: 1 });
    expect(stored).toBe('\t{"a":1}');
    expect(storage.values.decode(stored)).toEqual({ a: 1 });
  });

  it('keep the names while the file cannot be written', () => {
    const { storage } = openStorage();
    const other = openDatabase(storage.path);
    other.exec('BEGIN IMMEDIATE');
    expect(shaped(storage, { a: 1 })).toBe('\t{"a":1}');
    other.exec('ROLLBACK');
    expect(encode(storage, { b: 1 })).toBe('\t{"b":1}');
  });

  it('stay readable when the file is lost before they are written', () => {
    const { storage } = openStorage();
    const waiting = shaped(storage, { a: 1, b: 2 });
    storage.replace('corrupt');
    expect(storage.values.decode(waiting)).toEqual({ a: 1, b: 2 });
    shaped(storage, { c: 1 });
    const ids = storage.shapes.all().map(({ id }) => id);
    // Another process may have given the next one in the lost file.
    expect(ids[0]).toBe(1);
    expect(ids[1]).toBeGreaterThan(2);
  });

  it('give no id in a new file that another process may have given in the lost one', () => {
    const { storage } = openStorage();
    openDatabase(storage.path).exec(`INSERT INTO shapes VALUES (1, '["of the other"]')`);
    storage.replace('corrupt');
    shaped(storage, { a: 1 });
    expect(storage.shapes.all().map(({ id }) => id)).toEqual([expect.any(Number)]);
    expect(storage.shapes.lastId()).toBeGreaterThan(1);
  });

  it('leave what the new file says as it is', () => {
    const { storage } = openStorage();
    const rows = shaped(storage, { a: 1 });
    storage.values.carryOver([{ id: 1, names: ['b'] }]);
    storage.values.forget();
    expect(storage.values.decode(rows)).toEqual({ a: 1 });
  });

  it('leave what another process writes there in the last moment, too', () => {
    const { storage } = openStorage();
    const other = openDatabase(storage.path);
    const host = {
      shapes: storage.shapes,
      changes: storage.changes,
      nextRevision: () => storage.nextRevision(),
      transaction: <T>(body: () => T): T => {
        other.exec(`INSERT INTO shapes VALUES (1, '["of the other"]')`);
        return storage.transaction(body);
      },
    };
    new StoredValues(host, systemRandom).carryOver([{ id: 1, names: ['a'] }]);
    expect(storage.values.decode('\t[7,1]')).toEqual({ 'of the other': 7 });
  });

  it('are made portable, and brought back', () => {
    const { storage } = openStorage();
    const stored = shaped(storage, { a: [{ a: 1 }] });
    const portable = storage.values.toPortable(stored);
    expect(portable).toBe('\n{"a":[{"a":1}]}');
    expect(storage.values.fromPortable(portable)).toBe(stored);
    for (const value of ['text', 7, Buffer.from([1])]) {
      expect(storage.values.toPortable(value)).toBe(value);
      expect(storage.values.fromPortable(value)).toBe(value);
    }
  });

  it.each(['\n{"a":', '\n{"__proto__":{}}', `\n${'['.repeat(5000)}${']'.repeat(5000)}`])(
    'leave %.20p of another node to who reads it',
    (text) => {
      const { storage } = openStorage();
      expect(storage.values.fromPortable(text)).toBe(text);
      expect(() => storage.values.decode(text)).toThrow(
        expect.objectContaining({ code: 'HC_VALUE_UNREADABLE' }),
      );
    },
  );

  it('leave a damaged value to who reads it', () => {
    const { storage } = openStorage();
    expect(storage.values.toPortable('\t[1,99]')).toBe('\t[1,99]');
  });
});

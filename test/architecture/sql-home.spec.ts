import { describe, expect, it } from '@jest/globals';
import { sqlViolations } from './rules/sql-home.js';
import { librarySources, parse } from './support/source-files.js';

describe('the SQL home', () => {
  it('holds all SQL of lib', () => {
    expect(librarySources().flatMap(sqlViolations)).toEqual([]);
  });

  it.each([
    ['a string', "const q = 'SELECT 1';"],
    ['a template', 'const q = `UPDATE ${table} SET x = 1`;'],
    ['several lines', 'const q = `UPDATE entries\n  SET x = 1`;'],
    ['a pragma', "db.pragma('user_version');"],
    ['a transaction', "db.exec('COMMIT');"],
    ['a statement', "db.prepare('select 1');"],
  ])('finds %s elsewhere', (_what, text) => {
    expect(sqlViolations(parse('lib/cache/a.ts', text))).toHaveLength(1);
    expect(sqlViolations(parse('lib/sqlite/sql/a.ts', text))).toEqual([]);
  });

  it.each([
    ['a comment', '// SELECT 1\n/** DELETE FROM entries */'],
    ['prose', "const hint = 'Select a directory, then begin.';"],
    ['a regular expression', "/^a$/.exec('abc');"],
  ])('takes no offence at %s', (_what, text) => {
    expect(sqlViolations(parse('lib/cache/a.ts', text))).toEqual([]);
  });
});

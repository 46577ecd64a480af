import { describe, expect, it } from '@jest/globals';
import { parse } from 'node:querystring';
import { digestOf, requestKey } from '../../../lib/nest/http-cache/request-key.js';

const keyOf = (url: string, query: 'sorted' | readonly string[] | false = 'sorted'): string =>
  requestKey(url, query, 'rest');

describe('requestKey', () => {
  it('is what the URL says, and what it does not behind a #', () => {
    expect(keyOf('/a/b?x=1')).toBe('http:GET:/a/b?x=1#rest');
    expect(keyOf('/a/b?')).toBe('http:GET:/a/b#rest');
  });

  it.each([
    ['/a?b=2&a=1', '/a?a=1&b=2'],
    ['/%61', '/a'],
    ['/a%2fb', '/a%2Fb'],
    ['/a?%61=1&b=%7e', '/a?b=~&a=1'],
    ['/a?&a=1&&b=2&', '/a?b=2&a=1'],
    ['/é', '/%C3%A9'],
    ['/a b', '/a%20b'],
  ])('is the same for %s and %s', (left, right) => {
    expect(keyOf(left)).toBe(keyOf(right));
  });

  it.each([
    ['/a', '/A'],
    ['/a', '/a/'],
    ['/a/b', '/a%2Fb'],
    ['/a?b', '/a%3Fb'],
    ['/a?x=1&x=2', '/a?x=2&x=1'],
    ['/a?x[b]=1&x=2', '/a?x=2&x[b]=1'],
    ['/a?x.b=1&x=2', '/a?x=2&x.b=1'],
    ['/a?x+y=1&x%20y=2', '/a?x%20y=2&x+y=1'],
    ['/a?x%5Bb%5D=1&x[c]=2', '/a?x[c]=2&x%5Bb%5D=1'],
    ['/a?x%ff=1&x%fe=2', '/a?x%fe=2&x%ff=1'],
    ['/a?x=1%262', '/a?x=1&2'],
    ['/a?x=a%3Db', '/a?x=a=c'],
    ['/a#rest', '/a'],
    ['/a%23rest', '/a'],
    ['/%', '/%25%'],
  ])('differs for %s and %s', (left, right) => {
    expect(keyOf(left)).not.toBe(keyOf(right));
  });

  it('has one # only, whatever a client sends', () => {
    for (const url of ['/a#x', '/a?b#x=1', '/%23#', `/${'#'.repeat(500)}`]) {
      expect(keyOf(url).split('#')).toHaveLength(2);
    }
  });

  it('takes the parameters that are named, or none', () => {
    const url = '/a?utm=1&page=2&f[x]=3&%70age=4&page.x=5';

    expect(keyOf(url, ['page'])).toBe('http:GET:/a?page=2&page=4&page.x=5#rest');
    expect(keyOf(url, ['f'])).toBe('http:GET:/a?f[x]=3#rest');
    expect(keyOf(url, ['f[x]'])).toBe('http:GET:/a?f[x]=3#rest');
    expect(keyOf(url, false)).toBe('http:GET:/a#rest');
  });

  it('of a long URL keeps its beginning, and what tells it apart', () => {
    const long = (end: string) => keyOf(`/a?q=${'x'.repeat(2000)}${end}`);

    expect(long('1').length).toBeLessThan(1024);
    expect(long('1')).toMatch(/^http:GET:\/a\?q=x{100}/);
    expect(long('1')).not.toBe(long('2'));
    expect(keyOf(`/${'é'.repeat(1000)}`).length).toBeLessThan(1024);
  });

  it('never joins queries that a parser tells apart', () => {
    const parts = ['a=1', 'a=2', 'b=1', 'a', '', 'A=1', '%61=3', 'a%3D1'];
    const urls = parts.flatMap((x) => parts.flatMap((y) => parts.map((z) => [x, y, z].join('&'))));
    const seen = new Map<string, string>();
    const shown = (query: string) => {
      const entries = Object.entries(parse(query)).filter(([name]) => name !== '');
      return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    };
    for (const query of urls) {
      const key = keyOf(`/p?${query}`);
      expect(seen.get(key) ?? shown(query)).toBe(shown(query));
      seen.set(key, shown(query));
    }
  });
});

describe('digestOf', () => {
  it('keeps parts apart', () => {
    const all = [['a', 'b'], ['ab'], ['a', '', 'b'], ['1:a'], ['\ud800'], ['\udfff'], []];

    expect(new Set(all.map(digestOf)).size).toBe(all.length);
  });
});

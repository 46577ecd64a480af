import { describe, expect, it } from '@jest/globals';
import { Links } from '../../../lib/inspector/links.js';

describe('Links', () => {
  it.each([
    ['/hypercache', 0],
    ['/hypercache/', 0],
    ['/hypercache/keys', 1],
    ['/hypercache/keys/', 1],
    ['/api/v1/hypercache', 0],
    ['/api/v1/hypercache/actions/delete', 2],
  ])('lead from %s to other pages', (path, depth) => {
    const links = Links.from(path, depth);
    const page = new URL(path, 'http://node');
    const root = path.startsWith('/api') ? '/api/v1/hypercache/' : '/hypercache/';

    expect(new URL(links.to('locks'), page).pathname).toBe(`${root}locks`);
    expect(new URL(links.to(''), page).pathname).toBe(root);
    expect(new URL(links.to('assets/a.css'), page).pathname).toBe(`${root}assets/a.css`);
  });

  it('carry what is asked for', () => {
    const url = Links.from('/hypercache/keys', 1).to('keys', {
      namespace: 'a&b',
      key: '',
      after: undefined,
    });

    expect(url).toBe('./keys?namespace=a%26b&key=');
  });
});

import { describe, expect, it } from '@jest/globals';
import { targetOf } from '../../../lib/http/client/target.js';

describe('targetOf', () => {
  it.each([
    ['http://primary:3000', '/api/hypercache'],
    ['http://primary:3000/', '/api/hypercache'],
    ['http://primary:3000/api/hypercache', '/api/hypercache'],
    ['http://primary:3000/api/hypercache//', '/api/hypercache'],
    ['http://primary:3000/prefix', '/prefix/api/hypercache'],
    ['http://primary:3000/prefix/api/hypercache/', '/prefix/api/hypercache'],
    ['http://primary:3000/api', '/api/api/hypercache'],
    ['http://primary:3000/v1api/hypercache', '/v1api/hypercache/api/hypercache'],
  ])('reads %s as the base path %s', (url, basePath) => {
    const target = targetOf(url, '/api/hypercache');

    expect(target.basePath).toBe(basePath);
    expect(target.url).toBe(`http://primary:3000${basePath}`);
  });
});

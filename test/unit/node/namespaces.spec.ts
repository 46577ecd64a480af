import { describe, expect, it } from '@jest/globals';
import { useNodes } from '../../support/nodes.js';

describe('The namespaces of a node', () => {
  const startNode = useNodes();

  it('are bounded in number, and those that are known go on', async () => {
    const node = await startNode();
    const known = node.cache('n0');
    for (let i = 1; i < 10_000; i++) node.cache(`n${i}`);

    expect(() => node.cache('one more')).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
    expect(node.cache('n0')).toBe(known);
    await known.set('a', 1);
    expect(await node.cache('n0').get('a')).toBe(1);
  });
});

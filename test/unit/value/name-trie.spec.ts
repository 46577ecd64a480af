import { describe, expect, it } from '@jest/globals';
import { namesUpTo, NameTrie } from '../../../lib/value/name-trie.js';

function nodeOf(trie: NameTrie<unknown>, names: readonly string[]) {
  let node = trie.root;
  for (const name of names) {
    const next = trie.step(node, name);
    if (next === undefined) return undefined;
    node = next;
  }
  return node;
}

describe('NameTrie', () => {
  it('leads the same names to the same place', () => {
    const trie = new NameTrie();
    const node = nodeOf(trie, ['a', 'b']);
    expect(nodeOf(trie, ['a', 'b'])).toBe(node);
    expect(nodeOf(trie, ['b', 'a'])).not.toBe(node);
    expect(node && namesUpTo(node)).toEqual(['a', 'b']);
  });

  it('has code made for the same names once', () => {
    const trie = new NameTrie<string>();
    const node = trie.step(trie.root, 'a');
    expect(node && trie.codeFor(node, (names) => names.join())).toBe('a');
    expect(node && trie.codeFor(node, () => 'other')).toBe('a');
  });

  it('takes no more names, and makes no more code, than it may', () => {
    const trie = new NameTrie<number>();
    const code = Array.from({ length: 2000 }, (_, i) => {
      const node = trie.step(trie.root, `name ${i}`);
      return node && trie.codeFor(node, () => i);
    });
    expect(code.filter((i) => i !== undefined)).toHaveLength(1000);
    for (let i = 0; i < 20_000; i++) nodeOf(trie, [`other ${i}`]);
    expect(trie.isFull).toBe(true);
    expect(nodeOf(trie, ['one more'])).toBeUndefined();
    expect(nodeOf(trie, ['name 0'])).toBeDefined();
    expect(nodeOf(new NameTrie(), ['x'.repeat(65)])).toBeUndefined();
  });
});

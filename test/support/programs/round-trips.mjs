// Sets values of one build often enough that there would be code for them, reads each several times, and prints the last.
import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';

const words = process.argv.slice(2).filter((word) => word !== '--frozen');
const [sqlitePath, l1] = words;
if (process.argv.includes('--frozen')) {
  for (const { prototype } of [Object, Array, Function, Error, Map, Set, Date, Promise, Buffer]) {
    Object.freeze(prototype);
  }
}
const node = createNode(
  resolveOptions({ sqlitePath, logger: false, ...(l1 === 'false' && { l1: false }) }, {}),
);
await node.start();
const cache = node.cache('default');
const make = (id) => ({
  id,
  in: { a: [1], b: { id } },
  rows: [{ id }, { id }],
  toString: { constructor: [id] },
});
let last;
for (let i = 0; i < 40; i++) {
  await cache.set('key', make(i));
  for (let j = 0; j < 3; j++) last = await cache.get('key');
}
let refused;
try {
  await cache.set('key', () => 1);
} catch ({ code, name }) {
  refused = `${code} ${name}`;
}
await node.close();
process.stdout.write(JSON.stringify({ ...last, refused }));

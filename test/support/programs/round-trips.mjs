// Sets values of one build often enough that there would be code for them, reads each several times, and prints the last.
import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';

const [sqlitePath, l1] = process.argv.slice(2);
const node = createNode(
  resolveOptions({ sqlitePath, logger: false, ...(l1 === 'false' && { l1: false }) }, {}),
);
await node.start();
const cache = node.cache('default');
const make = (id) => ({ id, in: { a: [1], b: { id } }, rows: [{ id }, { id }] });
let last;
for (let i = 0; i < 40; i++) {
  await cache.set('key', make(i));
  for (let j = 0; j < 3; j++) last = await cache.get('key');
}
await node.close();
process.stdout.write(JSON.stringify(last));

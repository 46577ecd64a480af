// Another process on the measured file: it opens the file, writes to it and closes it when its parent asks for that.
import { createNode, resolveOptions } from './library.mjs';
import { keysOf, small } from './workload.mjs';

const { sqlitePath, elsewhere, writesPerSecond, keys: count } = JSON.parse(process.argv[2]);
const keys = keysOf(count);
let node;
let timer;
let written = 0;

async function open(path) {
  node = createNode(resolveOptions({ sqlitePath: path, logger: false }, {}));
  await node.start();
}

const operations = {
  open: () => open(sqlitePath),
  openElsewhere: () => open(elsewhere),
  write() {
    const cache = node.cache('default');
    timer = setInterval(() => {
      const value = small.make(written % count);
      small.stamp(value, ++written);
      void cache.set(keys[(written * 7919) % count], value);
    }, 1000 / writesPerSecond);
  },
  async close() {
    clearInterval(timer);
    await node?.close();
    node = undefined;
  },
};

process.on('message', async (names) => {
  for (const name of names) await operations[name]();
  process.send('done');
});
process.send('ready');

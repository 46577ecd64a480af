// What both apps do; each hands in the packages as it loaded them.
const assert = require('node:assert/strict');

const KEY = 'smoke:product';
const value = { id: 1, seen: new Date(0), stock: new Map([['red', 2n]]) };

module.exports = async function exercise({ Module, NestFactory, CACHE_MANAGER, HyperCacheModule }) {
  const [phase, sqlitePath] = process.argv.slice(2);

  class AppModule {}
  Module({ imports: [HyperCacheModule.forRoot({ role: 'primary', sqlitePath })] })(AppModule);

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const cache = app.get(CACHE_MANAGER);
  if (phase === 'write') await cache.set(KEY, value, 0);
  assert.deepEqual(await cache.get(KEY), value, phase);
  await app.close();
};

// Two applications that share a cache on a server of Redis or Valkey.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { findServer, type CacheServer } from './server.js';

const firstPort = Number(process.env['PORT'] ?? 3000);

try {
  await run(await findServer());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function run(server: CacheServer): Promise<void> {
  const start = async (name: string, port: number) => {
    const module = AppModule.named(name, server.url);
    const app = await NestFactory.create(module, {
      logger: ['warn', 'error', 'fatal'],
      abortOnError: false,
    });
    await app.listen(firstPort === 0 ? 0 : port, '127.0.0.1');
    return app;
  };
  try {
    const apps = [await start('first', firstPort), await start('second', firstPort + 1)] as const;
    const [first, second] = [await apps[0].getUrl(), await apps[1].getUrl()];
    console.log(`Two applications, ${first} and ${second}, on one server. Try:

  curl ${first}/products/1              loaded by the first
  curl ${second}/products/1              the same, from the second
  curl -X PUT ${second}/products/1       edited: both forget it
  curl -X POST ${first}/products/1/views counted for both
  curl -X POST ${second}/products/1/buy  under a lock of both

Ctrl-C stops both${process.env['HYPERCACHE_REDIS_URL'] ? '' : ', and the server, which was started for them'}.`);
    await new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
    });
    for (const app of apps) await app.close();
  } finally {
    server.stop();
  }
}

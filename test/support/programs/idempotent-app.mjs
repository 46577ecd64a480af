// An application with an idempotent route, on the built library, found by its name.
import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { Controller, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { HyperCacheModule } from 'nestjs-hypercache';
import { HyperCacheIdempotencyModule, Idempotent } from 'nestjs-hypercache/idempotency';
import { config, serveParent } from './parent.mjs';

class Payments {
  async pay() {
    appendFileSync(config.journal, 'paid\n');
    if (config.hangs) await new Promise(() => undefined);
    return { paid: true };
  }
}
const pay = Object.getOwnPropertyDescriptor(Payments.prototype, 'pay');
Idempotent({ onCrash: config.onCrash })(Payments.prototype, 'pay', pay);
Object.defineProperty(Payments.prototype, 'pay', pay);
Post()(Payments.prototype, 'pay', pay);
Controller('payments')(Payments);

const app = await NestFactory.create(
  {
    module: class AppModule {},
    imports: [HyperCacheModule.forRoot(config.options), HyperCacheIdempotencyModule],
    controllers: [Payments],
  },
  new ExpressAdapter(),
  { logger: false },
);
await app.listen(config.port ?? 0, '127.0.0.1');

serveParent({ app: { url: () => app.getUrl() } }, () => app.close());

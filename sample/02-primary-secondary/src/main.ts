import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
// On SIGINT and SIGTERM what waits is committed and the cache file is closed.
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);
console.log(`Listening on ${(await app.getUrl()).replace('[::1]', 'localhost')}`);

// A process that start.ts has started ends with it.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

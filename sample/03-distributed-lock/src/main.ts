// One worker. Start as many as you like on one cache file; npm run sample:lock starts some and checks them.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import { AppModule } from './app.module.js';
import { Journal } from './journal.js';

const app = await NestFactory.create(AppModule);
// On SIGINT and SIGTERM a report that is being made is finished, and the cache file is closed.
app.enableShutdownHooks();
if (process.connected === true) {
  // The script that started this worker has ended without stopping it.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

const server = (await app.listen(process.env['PORT'] ?? 3000)) as Server;
const address = server.address();
const url = `http://localhost:${typeof address === 'object' ? address?.port : address}`;

console.log(`Listening on ${url}

  curl -i -X POST ${url}/seats/hamlet -H 'content-type: application/json' -d '{"buyer":"ann"}'
  curl ${url}/seats/hamlet
`);
app.get(Journal).note({ kind: 'listening', url });

import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
// On SIGINT and SIGTERM what waits is committed and the cache file is closed.
app.enableShutdownHooks();

const server = (await app.listen(process.env['PORT'] ?? 3000)) as Server;
const address = server.address();
const url = `http://localhost:${typeof address === 'object' ? address?.port : address}`;

console.log(`Listening on ${url}

  curl -i ${url}/products/7             a page: X-Cache-Layer says origin, then l1
  curl -i '${url}/products/7?lang=de'   another page of the same product
  curl -X PATCH ${url}/products/7 -H 'content-type: application/json' -d '{"priceCents":999}'
  curl -X POST ${url}/products/7/views  counts a view
  curl -i ${url}/products               the top list: X-Cache says MISS, then HIT
  curl -X PUT ${url}/carts/ann -H 'content-type: application/json' -d '{"items":[{"productId":7,"quantity":2}]}'
  curl -i ${url}/carts/ann
  curl ${url}/stats

Kill it as you like (kill -9 ${process.pid}), start it again: X-Cache-Layer says l2, and the cart is there.
`);

// A test that starts an application of the built library and does not close it.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { HyperCache } from 'nestjs-hypercache';
import { HyperCacheTestingModule } from 'nestjs-hypercache/testing';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const parents = ['/dev/shm', tmpdir()];
const list = (parent) => {
  try {
    return readdirSync(parent).map((name) => join(parent, name));
  } catch {
    return [];
  }
};
const before = new Set(parents.flatMap(list));
class AppModule {}
const app = await NestFactory.createApplicationContext(
  { module: AppModule, imports: [HyperCacheTestingModule.forTest()] },
  { logger: false },
);
await app.get(HyperCache).set('key', 1);
const made = parents
  .flatMap(list)
  .filter((path) => !before.has(path) && path.includes('hypercache-app-'));
process.send(made, () => process.exit(0));

// Sends requests to both kinds of prices while the origin is well, slow, down and well again; prints what came of them.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppModule } from './app.module.js';
import { OriginService } from './origin.service.js';
import { sendRequests, type Answer } from './run/requests.js';
import { plot, table } from './run/report.js';

const PHASES = ['well', 'slow', 'down', 'well again'] as const;
const ROUTES = ['plain', 'patient'] as const;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '4' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0 && seconds <= 600)) {
  console.error('--seconds is how long each of the four phases takes: above 0, up to 600.');
  process.exit(2);
}

const directory = await mkdtemp(join(tmpdir(), 'hypercache-origin-'));
process.env['HYPERCACHE_SQLITE_PATH'] = directory;
const app = await NestFactory.create(AppModule, { logger: ['fatal'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const origin = app.get(OriginService);

function begin(phase: (typeof PHASES)[number]): void {
  origin.delayMs = phase === 'slow' ? 1000 : 20;
  origin.isDown = phase === 'down';
}

const answers: Answer[] = [];
for (const phase of PHASES) {
  begin(phase);
  console.log(`The origin is ${phase}: ${seconds} s`);
  const sent = ROUTES.map((route) => sendRequests(url, { route, phase, ms: seconds * 1000 }));
  answers.push(...(await Promise.all(sent)).flat());
}
await app.close();
await rm(directory, { recursive: true });

console.log(`\n${table(answers, ROUTES, PHASES)}\n`);
for (const route of ROUTES) console.log(`${plot(answers, route, PHASES)}\n`);
console.log(`The origin was called ${origin.calls} times for ${answers.length} requests.`);

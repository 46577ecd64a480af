// The application, to be tried by hand.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);
const url = (await app.getUrl()).replace('[::1]', 'localhost');

console.log(`Listening on ${url}

  curl ${url}/plain/1                    # a ttl of one second
  curl ${url}/patient/1                  # stale values while they are refreshed, and when that fails
  curl -X POST ${url}/origin/delay/3000  # the origin takes three seconds
  curl -X POST ${url}/origin/break       # it is down
  curl -X POST ${url}/origin/mend        # it is well again
`);

import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { answerFile } from '../../../lib/http/answer.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

/** Less than the disk may take. */
const STALL_MS = 1;
/** More than the sockets of a machine hold. */
const BYTES = 64 * 1024 * 1024;

describe('answerFile', () => {
  const directory = useTemporaryDirectories();
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** A receiver, and when the sender is done with it. */
  async function begin(): Promise<{ answer: IncomingMessage; sent: Promise<void> }> {
    const path = join(directory(), 'file');
    writeFileSync(path, Buffer.alloc(BYTES, 1));
    const server = createServer();
    servers.push(server);
    const sent = once(server, 'request').then(([, response]) =>
      answerFile(response, path, BYTES, STALL_MS),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [answer] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [
      IncomingMessage,
    ];
    return { answer, sent };
  }

  it('ends when its receiver takes nothing any more', async () => {
    const { answer, sent } = await begin();
    await sent;

    await expect(answer.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

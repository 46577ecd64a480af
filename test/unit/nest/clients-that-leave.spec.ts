import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { OpenAnswers } from '../../../lib/http/open-answers.js';
import { readFields } from '../../../lib/nest/wire/read-body.js';

const REQUEST =
  'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';

describe('A client that has left while a guard of the host took its time', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A request whose client is gone, before anything has read it. */
  async function abandoned(): Promise<[IncomingMessage, ServerResponse]> {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(REQUEST);
    const [request, response] = (await once(server, 'request')) as [
      IncomingMessage,
      ServerResponse,
    ];
    const closed = new Promise((resolve) => response.once('close', resolve));
    client.destroy();
    await closed;
    return [request, response];
  }

  it('is not waited for', async () => {
    const [request] = await abandoned();

    await expect(readFields(request, 1000)).rejects.toMatchObject({ code: 'HC_REQUEST_INVALID' });
  });

  it('waits for nothing', async () => {
    const [, response] = await abandoned();

    const isAborted = await new OpenAnswers().during(response, async (signal) => signal.aborted);

    expect(isAborted).toBe(true);
  });
});

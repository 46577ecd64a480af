import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { HyperCacheError, QueueFullError } from '../../lib/common/errors.js';
import { HttpPrimaryClient } from '../../lib/nest/http-primary-client.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { PLACES, startApi } from '../support/api-apps.js';
import { OTHER_TOKEN, TOKEN } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { FULL, offerSync, SILENT, type FakeSync } from '../support/fake-sync.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const PATH = '/api/hypercache';
const open: HttpPrimaryClient[] = [];
const servers: (Server | ReturnType<typeof createTcpServer>)[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  }
});

function clientOf(url: string, token = TOKEN, timeoutMs = 5000): HttpPrimaryClient {
  const client = new HttpPrimaryClient({ url, path: PATH, token, signRequests: false, timeoutMs });
  open.push(client);
  return client;
}

/** Whatever the end was. */
function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => undefined).once('close', resolve);
  });
}

async function failure(work: Promise<unknown>): Promise<HyperCacheError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HyperCacheError) return error;
  throw new Error(`No error of ours: ${String(error)}`);
}

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('HttpPrimaryClient to $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();

  async function start(): Promise<{ url: string; sync: FakeSync; close: () => Promise<void> }> {
    const { app, url } = await startApi(apps, platform, place);
    const sync = offerSync(app);
    return { url: url.slice(0, -PATH.length), sync, close: () => app.close() };
  }

  it('exchanges bytes, above any limit of the host, in parallel', async () => {
    const { url } = await start();
    const client = clientOf(`${url}/`);
    const large = Buffer.alloc(3_000_000, 7);

    await expect(client.exchange(Buffer.from([0, 255]))).resolves.toEqual(
      Buffer.from([...Buffer.from('echo '), 0, 255]),
    );
    const answers = await Promise.all([large, large].map((bytes) => client.exchange(bytes)));

    expect(answers.map(({ length }) => length)).toEqual([3_000_005, 3_000_005]);
  });

  it('follows a feed until it aborts', async () => {
    const { url, sync } = await start();
    const controller = new AbortController();
    const request = { protocol: PROTOCOL_VERSION, replicaId: 'r-1', position: 'a b/+%' };

    const stream = await clientOf(url).feed(request, controller.signal);
    const [chunk] = await once(stream, 'data');

    expect(JSON.parse(String(chunk))).toEqual(request);
    const ended = closed(stream);
    controller.abort();
    await ended;
    await eventually(() => expect(sync.sinks[0]?.destroyed).toBe(true));
  });

  it('begins a feed that has nothing to say yet', async () => {
    const { url } = await start();
    const request = { protocol: PROTOCOL_VERSION, replicaId: 'r-1', position: 'quiet' };

    const stream = await clientOf(url).feed(request, new AbortController().signal);

    expect(stream.destroyed).toBe(false);
    stream.on('error', () => undefined).destroy();
  });

  it('ends its feeds when the primary closes', async () => {
    const { url, close } = await start();
    const request = { protocol: PROTOCOL_VERSION, replicaId: 'r-1', position: 'quiet' };
    const stream = await clientOf(url).feed(request, new AbortController().signal);
    const ended = closed(stream.resume());

    await close();

    await ended;
  });

  it('waits through signs of life', async () => {
    const { url } = await start();

    const stream = await clientOf(url).wait(Buffer.from('lease'), new AbortController().signal);

    await expect(text(stream)).resolves.toBe('...lease');
  });

  it('gives the errors of the primary their classes back', async () => {
    const { url } = await start();
    const { signal } = new AbortController();
    const client = clientOf(url);

    const errors = [
      await failure(client.exchange(FULL)),
      await failure(client.wait(FULL, signal)),
      await failure(
        client.feed({ protocol: PROTOCOL_VERSION, replicaId: 'r', position: 'full' }, signal),
      ),
    ];

    for (const error of errors) {
      expect(error).toBeInstanceOf(QueueFullError);
      expect(error).toMatchObject({ code: 'HC_QUEUE_FULL' });
      expect(error.message).toMatch(/^7 writes wait/);
    }
  });

  it('is told that its token is wrong, without seeing it repeated', async () => {
    const { url, sync } = await start();

    const error = await failure(clientOf(url, OTHER_TOKEN).exchange(Buffer.from('a')));

    expect(error.code).toBe('HC_PRIMARY_REFUSED');
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain(OTHER_TOKEN);
    expect(sync.batches).toBe(0);
  });

  it('gives up when the answer does not come', async () => {
    const { url } = await start();

    const error = await failure(clientOf(url, TOKEN, 100).exchange(SILENT));

    expect(error).toMatchObject({ code: 'HC_PRIMARY_TIMEOUT' });
    expect(error.message).toContain('no answer within 100 ms');
  });
});

describe('HttpPrimaryClient', () => {
  const apps = useNestApps();

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('says that a node without a sync endpoint is a secondary', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(421, { 'x-hypercache': String(PROTOCOL_VERSION) });
      response.end('{"code":"HC_NOT_PRIMARY","message":"x"}');
    });

    const error = await failure(clientOf(url).exchange(Buffer.from('a')));

    expect(error.code).toBe('HC_PRIMARY_MISMATCH');
    expect(error.message).toContain('answered as a secondary');
  });

  it('tells nothing reachable from nothing answered', async () => {
    const sockets: Socket[] = [];
    let isDeaf = true;
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      if (!isDeaf) socket.destroy();
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = (server.address() as AddressInfo).port;
    const hanging = await failure(
      clientOf(`http://127.0.0.1:${port}`, TOKEN, 100).exchange(Buffer.from('a')),
    );
    isDeaf = false;
    const reset = await failure(clientOf(`http://127.0.0.1:${port}`).exchange(Buffer.from('a')));
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
    const refused = await failure(clientOf(`http://127.0.0.1:${port}`).exchange(Buffer.from('a')));
    const unknown = await failure(clientOf('http://primary.invalid').exchange(Buffer.from('a')));

    expect(hanging.code).toBe('HC_PRIMARY_TIMEOUT');
    expect(reset.code).toBe('HC_PRIMARY_TIMEOUT');
    expect(refused.code).toBe('HC_PRIMARY_UNREACHABLE');
    expect(unknown.code).toBe('HC_PRIMARY_UNREACHABLE');
  });

  it('reports an answer that ends too early as one that never came', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, {
        'x-hypercache': String(PROTOCOL_VERSION),
        'content-length': '100',
      });
      response.write('half');
      response.flushHeaders();
      setImmediate(() => response.destroy());
    });

    const error = await failure(clientOf(url).exchange(Buffer.from('a')));

    expect(error.code).toBe('HC_PRIMARY_TIMEOUT');
  });

  it.each([
    [401, 'controllerDecorators'],
    [403, 'controllerDecorators'],
    [404, 'prefix'],
    [413, 'limit'],
    [429, 'SkipThrottle'],
    [302, 'redirects'],
    [502, 'proxy'],
    [200, 'rewrites'],
    [500, 'listen'],
  ])('says of a foreign %i what to set', async (status, hint) => {
    const url = await serve((_request, response) => {
      response.writeHead(status, { location: '/elsewhere' });
      response.end('<html>');
    });
    const { signal } = new AbortController();
    const client = clientOf(`${url}/v1`);

    for (const error of [
      await failure(client.exchange(Buffer.from('a'))),
      await failure(
        client.feed({ protocol: PROTOCOL_VERSION, replicaId: 'r', position: '' }, signal),
      ),
    ]) {
      expect(error.code).toBe('HC_PRIMARY_FOREIGN');
      expect(error.message).toContain('The host application answered, not HyperCache');
      expect(error.message).toContain(`status ${status} from ${url}/v1/api/hypercache`);
      expect(error.hint).toContain(hint);
    }
  });

  it('does not speak to another protocol', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'x-hypercache': '9' });
      response.end('{}');
    });

    const error = await failure(clientOf(url).exchange(Buffer.from('a')));

    expect(error).toMatchObject({ code: 'HC_PRIMARY_MISMATCH' });
    expect(error.message).toContain('speaks protocol 9');
  });

  it('shows no credentials of the address, and sends them', async () => {
    let authorization: string | undefined;
    const url = await serve((request, response) => {
      ({ authorization } = request.headers);
      response.end();
    });

    const error = await failure(
      clientOf(url.replace('//', '//me:hush@')).exchange(Buffer.from('a')),
    );

    expect(authorization).toBe(`Basic ${Buffer.from('me:hush').toString('base64')}`);
    expect(error.message).not.toContain('hush');
  });

  it('uses one connection for requests that follow each other', async () => {
    let connections = 0;
    const { app, url } = await startApi(apps, 'Express', 'host');
    offerSync(app);
    app.getHttpServer().on('connection', () => connections++);
    const client = clientOf(url.slice(0, -PATH.length));

    for (let i = 0; i < 5; i++) await client.exchange(Buffer.from('a'));

    expect(connections).toBe(1);
  });
});

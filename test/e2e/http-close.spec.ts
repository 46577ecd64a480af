import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PLACES, startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

/** So long a request may hold the end of an application. */
const BOUND_MS = 8000;

const variants = PLATFORMS.flatMap((platform) => PLACES.map((place) => ({ platform, place })));

describe.each(variants)('app.close() on $platform ($place)', ({ platform, place }) => {
  const apps = useNestApps();

  async function send(url: string, text: string): Promise<Socket> {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text.replaceAll('\n', '\r\n'));
    return socket;
  }

  it.each([
    ['cache/a', 'application/json', TOKEN],
    ['lock/a', 'application/json', TOKEN],
    ['sync/batch', 'application/vnd.hypercache', TOKEN],
    ['sync/wait', 'application/vnd.hypercache', TOKEN],
    ['unknown', 'application/json', TOKEN],
    ['cache/a', 'application/json', 'none'],
  ])('does not wait for the rest of a body: %s, %s, token %s', async (path, type, token) => {
    const { app, url } = await startApi(apps, platform, place);
    const server = new URL(`${url}/${path}`);
    // Whoever has answered one request has got the one before.
    const socket = await send(
      url,
      `POST ${server.pathname} HTTP/1.1\nHost: ${server.host}\nX-HyperCache-Token: ${token}\nContent-Type: ${type}\nContent-Length: 100\n\n{`,
    );
    await fetch(`${url}/ping`, { headers: { 'x-hypercache-token': TOKEN } });
    const began = performance.now();
    await app.close();

    expect(performance.now() - began).toBeLessThan(BOUND_MS);
    socket.destroy();
  });

  const onItsOwn = place === 'listen' ? it : it.skip;
  onItsOwn('does not wait for the rest of a head', async () => {
    const { app, url } = await startApi(apps, platform, place);
    const socket = await send(url, 'POST /api/hypercache/cache/a HTTP/1.1\nHost: a\n');
    await fetch(`${url}/ping`, { headers: { 'x-hypercache-token': TOKEN } });
    const began = performance.now();
    await app.close();

    expect(performance.now() - began).toBeLessThan(BOUND_MS);
    socket.destroy();
  });
});

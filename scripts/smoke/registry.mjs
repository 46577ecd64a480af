// A registry that has the packed library as if it were published, and sends for all else to the real one.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import { manifest } from './tarball.mjs';

/** Its URL, and the function that stops it. */
export async function serveLibrary(tarball) {
  const behind = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const bytes = readFileSync(tarball);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const { name, version } = manifest;
  const server = createServer(({ url, headers }, response) => {
    if (url === `/${name}`) {
      const dist = { integrity, tarball: `http://${headers.host}/${name}.tgz` };
      const versions = { [version]: { ...manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else if (url === `/${name}.tgz`) response.end(bytes);
    else response.writeHead(307, { location: new URL(url.slice(1), behind).href }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { HyperCacheErrorCode } from '../../lib/common/errors.js';
import { PROTOCOL_VERSION } from '../../lib/cluster/wire/sync-endpoint.js';
import { statusOf } from '../../lib/http/status-table.js';
import { blocksOf } from '../architecture/support/doc-blocks.js';
import { root } from '../architecture/support/source-files.js';
import { startApi } from '../support/api-apps.js';
import { TOKEN } from '../support/api-client.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const run = promisify(execFile);
const DOCUMENT = 'docs/http-api.md';

interface Curl {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** The words of a shell line, with the two variables in place. */
function wordsOf(line: string, api: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g), ([, double, single, bare]) =>
    (double ?? single ?? bare ?? '').replace('$API', api).replace('$TOKEN', TOKEN),
  );
}

function parseCurl(line: string): Curl {
  const words = wordsOf(line, '');
  const after = (flag: string): string[] =>
    words.flatMap((word, i) => (words[i - 1] === flag ? [word] : []));
  return {
    method: after('-X')[0] ?? 'GET',
    path: words.find((word) => word.startsWith('/')) ?? '',
    headers: Object.fromEntries(after('-H').map((header) => header.split(': '))),
    body: after('-d')[0],
  };
}

const lines = blocksOf(DOCUMENT)
  .filter(({ info }) => info === 'sh')
  .map(({ text }) => text.trim());

/** What each line answers, in the order of the document. */
const ANSWERS: readonly (readonly [string, object])[] = [
  ['POST /cache', { revision: expect.any(Number) }],
  [
    'GET /cache',
    {
      key: 'user:42',
      value: { name: 'Ada' },
      revision: expect.any(Number),
      expiresAt: expect.any(Number),
    },
  ],
  ['POST /add', { added: true, revision: expect.any(Number) }],
  ['POST /increment', { value: 105, revision: expect.any(Number) }],
  ['DELETE /cache', { deleted: true }],
  ['DELETE /cache', { deleted: 1 }],
  ['DELETE /cache', { deleted: 0 }],
  ['DELETE /cache', { deleted: 1 }],
  ['POST /entries', { stored: 2 }],
  [
    'GET /entries?prefix=a&values=true',
    {
      entries: [
        {
          key: 'a',
          ttl: null,
          revision: expect.any(Number),
          bytes: expect.any(Number),
          tags: [],
          content: { value: 1 },
        },
      ],
      next: null,
    },
  ],
  ['GET /entry?key=a', { entry: expect.objectContaining({ key: 'a', content: { value: 1 } }) }],
  ['DELETE /entries', { deleted: 2 }],
  ['POST /expire', { expired: 0 }],
  ['GET /namespaces', { namespaces: [{ name: 'default', entries: 0 }] }],
  ['GET /changes?after=0&limit=1', { changes: expect.any(Array), next: 1, isGap: false }],
  [
    'POST /lock',
    {
      acquired: true,
      owner: 'cron-1',
      token: expect.any(Number),
      expiresAt: expect.any(Number),
    },
  ],
  ['PATCH /lock', { extended: true, expiresAt: expect.any(Number) }],
  ['DELETE /lock', { released: true }],
  ['GET /locks', { locks: [] }],
  ['DELETE /locks', { released: false }],
  [
    'GET /ping',
    { role: 'primary', position: expect.anything(), version: '0.1.0', protocol: PROTOCOL_VERSION },
  ],
  ['GET /stats', expect.objectContaining({ role: 'primary' })],
  ['GET /dead-letters?limit=10', { deadLetters: [] }],
];

async function hasCurl(): Promise<boolean> {
  return run('curl', ['--version']).then(
    () => true,
    () => false,
  );
}

describe(DOCUMENT, () => {
  const apps = useNestApps();

  it('has a line for each endpoint', () => {
    const shown = lines.map((line) => {
      const { method, path } = parseCurl(line);
      return `${method} /${path.split('/')[1]}`;
    });

    expect(shown).toEqual(ANSWERS.map(([endpoint]) => endpoint));
  });

  it.each(PLATFORMS)('shows lines that work on %s', async (platform) => {
    const { url } = await startApi(apps, platform, 'host');

    for (const [i, line] of lines.entries()) {
      const { method, path, headers, body } = parseCurl(line);
      const response = await fetch(url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });

      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(ANSWERS[i]?.[1]);
    }
  });

  it('shows lines that curl itself understands', async () => {
    const { url } = await startApi(apps, 'Express', 'host');
    if (!(await hasCurl())) return;

    for (const [i, line] of lines.entries()) {
      const [, ...words] = wordsOf(line, url);
      const { stdout } = await run('curl', ['--silent', ...words]);

      expect(JSON.parse(stdout)).toEqual(ANSWERS[i]?.[1]);
    }
  });

  it('gives each code the status that it has', () => {
    const rows = Array.from(
      readFileSync(join(root, DOCUMENT), 'utf8').matchAll(/^\| (\d{3})[^|]*\|([^|]*)\|/gm),
      ([, status, codes = '']) => ({ status: Number(status), codes: codes.match(/HC_\w+/g) ?? [] }),
    );

    expect(rows.length).toBeGreaterThan(5);
    for (const { status, codes } of rows) {
      for (const code of codes)
        expect([code, statusOf(code as HyperCacheErrorCode)]).toEqual([code, status]);
    }
  });
});

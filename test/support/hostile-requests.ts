import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { encodeCommand } from '../../lib/cluster/wire/command-codec.js';
import { pack } from '../../lib/cluster/wire/wire.js';

/** A request as `node:http` sends it. */
export interface HostileRequest {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in chunks when `isChunked`. */
  readonly body?: Buffer;
  readonly isChunked?: boolean;
}

type Random = () => number;

const JSON_TYPE = { 'content-type': 'application/json' };
const SYNC_TYPE = { 'content-type': 'application/vnd.hypercache' };
const KIB = 1024;

/** Requests that are in order; the others are made of them. */
const JSON_REQUESTS: readonly (readonly [method: string, path: string, body: object])[] = [
  ['POST', '/cache/a', { value: { name: 'Ada', n: [1, 2.5, null] }, ttl: 60_000, tags: ['t'] }],
  ['POST', '/add/b', { value: 'text', ttl: 1000 }],
  ['POST', '/increment/n', { by: 2, ttl: 60_000, initial: 5 }],
  ['DELETE', '/cache', { prefix: 'a' }],
  ['POST', '/lock/l', { owner: 'me', ttl: 1000, wait: 0 }],
  ['PATCH', '/lock/l', { owner: 'me', ttl: 1000 }],
  ['DELETE', '/lock/l', { owner: 'me' }],
];

const COMMANDS: readonly unknown[] = [
  encodeCommand({
    kind: 'set',
    namespace: 'default',
    key: 'a',
    value: Buffer.from([0x81, 0xa1, 0x61, 0x01]),
    expiresAt: Infinity,
    tags: ['t'],
  }),
  encodeCommand({ kind: 'delete', namespace: 'default', key: 'a' }),
  encodeCommand({
    kind: 'increment',
    namespace: 'default',
    key: 'n',
    by: 1,
    initial: 0,
    expiresAt: Infinity,
  }),
  encodeCommand({ kind: 'clear', namespace: 'x' }),
];

const QUERIES: readonly Buffer[] = [
  pack([1, [[0, 'default', 'a']]]),
  pack([1, [[1, 'default', '', '']]]),
  pack([1, [[2, 'default', '']]]),
  pack([1, [[3, 0, 'l']]]),
  pack([1, [[4]]]),
];
const WAIT = pack([0, 'l', 'owner', 1000, 1, 0]);

/** A few bytes that announce gigabytes, or nest without end. */
const CODEC_BOMBS: readonly Buffer[] = [
  Buffer.from('ddffffffff', 'hex'),
  Buffer.from('dfffffffff', 'hex'),
  Buffer.from('dbffffffff', 'hex'),
  Buffer.from('c6ffffffff', 'hex'),
  Buffer.from('c9ffffffff72', 'hex'),
  Buffer.from('9500ffddffffffff', 'hex'),
  Buffer.from(`9500ff${'dd7fffffff'.repeat(20)}`, 'hex'),
  Buffer.alloc(100 * KIB, 0x91),
  Buffer.alloc(100 * KIB, 0x81),
  Buffer.concat([Buffer.alloc(3500, 0x91), Buffer.from([1])]),
  Buffer.from('d47240', 'hex'),
  Buffer.from('9500ffd4724091a16101', 'hex'),
  // A record whose only field is __proto__, and a map with it.
  Buffer.concat([Buffer.from('d4724091a9', 'hex'), Buffer.from('__proto__'), Buffer.from([0x80])]),
  Buffer.concat([Buffer.from('81a9', 'hex'), Buffer.from('__proto__'), Buffer.from([0x80])]),
  // A regular expression, an error and a set.
  Buffer.from('9500ff91c70078', 'hex'),
  Buffer.from('9500ff91c70065', 'hex'),
  Buffer.from('c7007391a161', 'hex'),
  Buffer.from('d4780092a2612ba167', 'hex'),
  // A list that holds itself.
  Buffer.from('d6690000000191d67000000001', 'hex'),
];

const POLLUTION = [
  '{"__proto__":{"polluted":1}}',
  '{"value":{"__proto__":{"polluted":1}}}',
  '{"value":{"constructor":{"prototype":{"polluted":1}}}}',
  '{"value":1,"__proto__":{"polluted":1}}',
  '{"value":[{"__proto__":null},{"__proto__":{"polluted":1}}],"tags":["__proto__"]}',
  '{"constructor":{"prototype":{"polluted":1}},"value":1}',
];

const BOMB = Buffer.alloc(32 * KIB * KIB, '[');
const COMPRESSED: readonly (readonly [encoding: string, body: Buffer])[] = [
  ['gzip', gzipSync(BOMB)],
  ['deflate', deflateSync(BOMB)],
  ['br', brotliCompressSync(BOMB)],
  ['gzip, gzip', gzipSync(gzipSync(BOMB))],
  ['x-gzip', gzipSync(BOMB)],
];

const PATHS = [
  '/',
  '',
  '/cache/',
  '/cache//',
  '/cache/..%2f..%2fping',
  '/cache/../../../etc/passwd',
  '/cache/%00',
  '/cache/%2e%2e',
  '/cache/%E0%A4%A',
  '/cache/%ff%fe',
  '/cache/%ED%A0%80',
  '/cache/__proto__',
  '/cache/constructor',
  '/cache/a?namespace=__proto__',
  '/cache/a?namespace=',
  '/cache/a?__proto__[polluted]=1&constructor[prototype][polluted]=1',
  `/cache/${'k'.repeat(5000)}`,
  `/cache/${'%41'.repeat(1025)}`,
  `/cache/a?namespace=${'n'.repeat(5000)}`,
  '/lock/',
  '/increment/a/b/c',
  '/sync',
  '/sync/feed',
  '/sync/feed?protocol=1&replica=r&position=x',
  '/sync/feed?protocol=1&replica=r&position=0.0.0&position=1',
  '/sync/feed?protocol=1e309&replica=r',
  '/ping/..',
  '/ping;a=b',
  '/stats?x=%',
  "/cache/a'%20OR%201=1--",
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'LINK'];

const SCALARS: readonly unknown[] = [
  null,
  true,
  0,
  -0,
  -1,
  1.5,
  2 ** 53,
  -(2 ** 63),
  1e308,
  '',
  'x',
  '__proto__',
  '\0',
  '\ud800',
  '1000',
  'NaN',
  [],
  {},
  [[]],
  { toString: 1 },
  { length: -1 },
  { value: 1 },
  'k'.repeat(2000),
];

const NAMES = ['__proto__', 'constructor', 'toJSON', 'toString', 'length', '', '0', 'x'];

type Kind = (random: Random) => Omit<HostileRequest, 'what'>;

/** Kinds of requests, each made from the same random numbers alike. */
const SMALL: readonly Kind[] = [
  function mutatedJson(random) {
    const [method, path, body] = pick(random, JSON_REQUESTS);
    return { method, path, headers: JSON_TYPE, body: mutated(random, JSON.stringify(body)) };
  },
  function wrongTypes(random) {
    const [method, path, body] = pick(random, JSON_REQUESTS);
    const fields = Object.entries(body).map(([name, field]: [string, unknown]) => [
      random() < 0.1 ? pick(random, NAMES) : name,
      // A wait that is in order would only wait.
      random() < 0.6 ? anything(random, 3) : field,
    ]);
    const text = random() < 0.9 ? Object.fromEntries(fields) : anything(random, 2);
    return { method, path, headers: JSON_TYPE, body: Buffer.from(JSON.stringify(text)) };
  },
  function pollution(random) {
    const [method, path] = pick(random, JSON_REQUESTS);
    return { method, path, headers: JSON_TYPE, body: Buffer.from(pick(random, POLLUTION)) };
  },
  function mutatedBatch(random) {
    const isWait = random() < 0.2;
    return {
      method: 'POST',
      path: isWait ? '/sync/wait' : '/sync/batch',
      headers: SYNC_TYPE,
      body: mutated(random, isWait ? WAIT : batch(random)),
    };
  },
  function codecBomb(random) {
    const bytes = pick(random, CODEC_BOMBS);
    const path = random() < 0.8 ? '/sync/batch' : '/sync/wait';
    const body = random() < 0.7 ? bytes : mutated(random, bytes);
    return { method: 'POST', path, headers: SYNC_TYPE, body };
  },
  function storedBytes(random) {
    const bomb = pick(random, CODEC_BOMBS).subarray(0, Math.floor(8000 * random()));
    const value = random() < 0.5 ? bomb : randomBytes(random, 40);
    const body = commands(random, [[0, 'default', 'stored', value, Infinity, []]]);
    return { method: 'POST', path: '/sync/batch', headers: SYNC_TYPE, body };
  },
  function readBack(random) {
    const key = pick(random, ['stored', 'a', 'n', 'deep', 'wide', 'b']);
    return { method: 'GET', path: `/cache/${key}`, headers: {} };
  },
  function strayPath(random) {
    const path = pick(random, PATHS);
    const method = pick(random, METHODS);
    const body = Buffer.from('{}');
    const hasBody = random() < 0.5 && method !== 'GET' && method !== 'HEAD';
    return hasBody ? { method, path, headers: JSON_TYPE, body } : { method, path, headers: {} };
  },
  function randomBody(random) {
    const [method, path] = pick(random, JSON_REQUESTS);
    const type = pick(random, [
      'application/json; charset=utf-16',
      'application/json;;;',
      'APPLICATION/JSON',
      'application/vnd.hypercache',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      '',
      'x'.repeat(4000),
    ]);
    const body = randomBytes(random, 300);
    return { method, path, headers: { 'content-type': type }, body };
  },
];

/** Those that take both sides some milliseconds. */
const LARGE: readonly Kind[] = [
  function deepJson(random) {
    const depth = Math.floor(10 ** (1 + 4 * random()));
    const [open, close] = pick(random, [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"value":', '}]'],
    ]);
    const isClosed = random() < 0.8;
    const nested = open.repeat(depth) + (isClosed ? `1${close.repeat(depth)}` : '');
    const body = Buffer.from(random() < 0.7 ? `{"value":${nested}}` : nested);
    return { method: 'POST', path: '/cache/deep', headers: JSON_TYPE, body };
  },
  function oversize(random) {
    const isSync = random() < 0.1;
    const bytes = Math.floor((isSync ? 17 * KIB * KIB : 300 * KIB) * (1 + random()));
    const text = `{"value":"${'x'.repeat(bytes)}"}`;
    return {
      method: 'POST',
      path: isSync ? '/sync/batch' : '/cache/large',
      headers: isSync ? SYNC_TYPE : JSON_TYPE,
      body: Buffer.from(text),
      isChunked: random() < 0.5,
    };
  },
  function wideJson(random) {
    const bytes = 200 * KIB;
    const unit = pick(random, ['{},', '1,', '[],', '"a":1,', '-', '"\\ud800",', '1e999,']);
    const items = unit.repeat(Math.floor(bytes / unit.length)).slice(0, -1);
    const text = unit.includes(':') ? `{${items}}` : `[${items}]`;
    const body = Buffer.from(`{"value":${text}}`);
    return { method: 'POST', path: '/cache/wide', headers: JSON_TYPE, body };
  },
  function compressed(random) {
    const [encoding, body] = pick(random, COMPRESSED);
    const type = random() < 0.7 ? JSON_TYPE : SYNC_TYPE;
    const path = random() < 0.7 ? '/cache/bomb' : '/sync/batch';
    return { method: 'POST', path, headers: { ...type, 'content-encoding': encoding }, body };
  },
];

const LARGE_SHARE = 0.1;

/** Something between a request that is in order and noise. */
export function hostileRequest(random: Random): HostileRequest {
  const kind = pick(random, random() < LARGE_SHARE ? LARGE : SMALL);
  return { what: kind.name, ...kind(random) };
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random() * most }, () => Math.floor(random() * 256)));
}

function batch(random: Random): Buffer {
  return random() < 0.5 ? pick(random, QUERIES) : commands(random, COMMANDS);
}

/** As of a node that asks for the first time. */
function commands(random: Random, list: readonly unknown[]): Buffer {
  return pack([0, -1, list, `sender ${Math.floor(random() * 1e9)}`, 1]);
}

/** A copy in which pieces are changed, missing, repeated or new. */
function mutated(random: Random, original: string | Buffer): Buffer {
  let bytes = Buffer.from(original);
  for (let left = 1 + Math.floor(random() * 4); left > 0 && bytes.length > 0; left--) {
    const at = Math.floor(random() * bytes.length);
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 8));
    const [before, piece, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, end),
      bytes.subarray(end),
    ];
    const change = Math.floor(random() * 4);
    const middle =
      change === 0
        ? randomBytes(random, 8)
        : change === 1
          ? Buffer.alloc(0)
          : change === 2
            ? Buffer.concat([piece, piece, piece])
            : Buffer.from(piece.map((byte) => byte ^ (1 << Math.floor(random() * 8))));
    bytes = Buffer.concat([before, middle, after]);
  }
  return bytes;
}

function anything(random: Random, depth: number): unknown {
  const width = Math.floor(random() * 4);
  const kind = depth === 0 ? 0 : random();
  if (kind < 0.6) return pick(random, SCALARS);
  const items = Array.from({ length: width }, () => anything(random, depth - 1));
  if (kind < 0.8) return items;
  return Object.fromEntries(items.map((item) => [pick(random, NAMES), item]));
}

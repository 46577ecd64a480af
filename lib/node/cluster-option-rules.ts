import {
  isBoolean,
  isOneOf,
  isPositive,
  isText,
  parseBoolean,
  parseList,
  parseNumber,
  show,
  type OptionRule,
} from './option-rule.js';
import type { HyperCacheOptions } from './options.js';

const MIN_TOKEN_LENGTH = 32;

const TIMER_MS = 'write milliseconds as a whole number from 1 to 2147483647';

const TOKENS = {
  parse: parseList,
  isValid: areTokens,
  instead: `write one random secret of at least ${MIN_TOKEN_LENGTH} visible ASCII characters, such as \`openssl rand -hex 32\` prints, or a list of them to rotate`,
  show: () => 'not acceptable',
};

/** The options that make a node one of a cluster, and say who may talk to it. @internal */
export const CLUSTER_OPTION_RULES = {
  role: {
    environment: 'HYPERCACHE_SERVER_ROLE',
    isValid: isOneOf('primary', 'secondary'),
    instead: "write 'primary' or 'secondary'",
  },
  primaryUrl: {
    environment: 'HYPERCACHE_PRIMARY_URL',
    isValid: isHttpUrl,
    instead:
      "write the primary's address, such as 'http://10.0.0.1:3000'; a % in a password is written %25",
    show: (value) => show(typeof value === 'string' ? value.replace(/.*@/s, '...@') : value),
  },
  apiToken: { environment: 'HYPERCACHE_API_TOKEN', ...TOKENS },
  adminToken: { environment: 'HYPERCACHE_ADMIN_TOKEN', ...TOKENS },
  signRequests: {
    environment: 'HYPERCACHE_SIGN_REQUESTS',
    parse: parseBoolean,
    isValid: isBoolean,
    instead: 'write true or false',
  },
  timeout: {
    environment: 'HYPERCACHE_TIMEOUT',
    parse: parseNumber,
    isValid: isTimerMs,
    instead: TIMER_MS,
  },
  asyncRequests: {
    environment: 'HYPERCACHE_ASYNC',
    parse: parseBoolean,
    isValid: isBoolean,
    instead: 'write true or false',
  },
  onPrimaryLost: {
    isValid: isOneOf('serve-stale', 'miss'),
    instead: "write 'serve-stale' or 'miss'",
  },
  staleAfter: {
    isValid: isTimerMs,
    instead: TIMER_MS,
  },
  outboxMaxEntries: { isValid: isPositive, instead: 'write a whole number above 0' },
  outboxMaxBytes: { isValid: isPositive, instead: 'write bytes as a whole number above 0' },
  outboxFull: {
    isValid: isOneOf('reject', 'block'),
    instead: "write 'reject' or 'block'",
  },
  replica: {
    isValid: isOneOf('feed', 'shared', 'none'),
    instead: "write 'feed', 'shared' or 'none'",
  },
  acceptNewHistory: { isValid: isBoolean, instead: 'write true or false' },
  path: {
    isValid: isPath,
    instead:
      "write a path such as '/api/hypercache': letters, digits, '-', '.', '_' and '~' after each '/'",
  },
  listen: {
    isValid: isListen,
    instead:
      "write { host, port }, such as { host: '10.0.0.1', port: 3100 }; port 0 takes a free one",
  },
  controllerDecorators: {
    isValid: (value) =>
      Array.isArray(value) && value.every((decorator) => typeof decorator === 'function'),
    instead: 'pass a list of class decorators, such as [Public()]',
  },
} satisfies { readonly [name in keyof HyperCacheOptions]?: OptionRule };

/** A timer that is to wait for longer ends at once. */
function isTimerMs(value: unknown): boolean {
  return isPositive(value) && Number(value) <= 2_147_483_647;
}

function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return ['http:', 'https:'].includes(protocol) && isDecodable(username) && isDecodable(password);
}

/** A percent sign that stands for itself is written %25. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function areTokens(value: unknown): boolean {
  const tokens: unknown[] = Array.isArray(value) ? value : [value];
  return (
    tokens.length > 0 &&
    tokens.every(
      (token) =>
        typeof token === 'string' &&
        token.length >= MIN_TOKEN_LENGTH &&
        /^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/.test(token) &&
        !looksLikeDefault(token),
    )
  );
}

/** What stands in examples, or is a short text repeated, is known to everybody. */
function looksLikeDefault(token: string): boolean {
  if (/change[-_.]?(me|this)|replace[-_.]?(me|this)|placeholder/i.test(token)) return true;
  if (/(your|default|my)[-_.]?(own[-_.]?)?(api[-_.]?)?(token|secret)/i.test(token)) return true;
  for (let period = 1; period <= token.length / 2; period++) {
    if (token.startsWith(token.slice(period))) return true;
  }
  return false;
}

function isPath(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 256) return false;
  const segments = value.split('/');
  return (
    segments.shift() === '' &&
    segments.length > 0 &&
    segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.{1,2}$/.test(segment))
  );
}

function isListen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port, ...rest } = value as Record<string, unknown>;
  return (
    isText(host) &&
    Number.isInteger(port) &&
    Number(port) >= 0 &&
    Number(port) <= 65_535 &&
    Object.keys(rest).length === 0
  );
}

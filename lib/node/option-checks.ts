import { checkedTags } from '../cache/factory-context.js';
import { assertDeclared, POLICY_FIELDS, type PolicyOptions } from '../cache/policy.js';
import { HyperCacheError } from '../common/errors.js';
import { bytes, type Size } from '../common/duration.js';
import { isPositive, isText } from './option-kinds.js';

/** Bounds of the memory layer, shared by all caches of a node. @publicApi */
export interface L1Options {
  /** Entries held at most, in addition to the bound in bytes. @default undefined: as many as fit into `maxBytes` */
  maxEntries?: number | undefined;
  /** Bytes held at most, estimated. @default '64MiB' */
  maxBytes?: Size | undefined;
}

/** A separate port for the HTTP API. @publicApi */
export interface ListenOptions {
  /** An address or name of this machine. */
  host: string;
  /** From 0 to 65535; 0 takes a free one, which a log line names. */
  port: number;
}

/** The shortest token, in characters. @internal */
export const MIN_TOKEN_LENGTH = 32;

/** @internal */
export function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return ['http:', 'https:'].includes(protocol) && isDecodable(username) && isDecodable(password);
}

/** Whether every percent sign begins an escape: a literal percent sign is written %25. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** @internal */
export function areTokens(value: unknown): boolean {
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

/** Whether the token is publicly known: it comes from an example, or is a short text repeated. */
function looksLikeDefault(token: string): boolean {
  if (/change[-_.]?(me|this)|replace[-_.]?(me|this)|placeholder/i.test(token)) return true;
  if (/(your|default|my)[-_.]?(own[-_.]?)?(api[-_.]?)?(token|secret)/i.test(token)) return true;
  for (let period = 1; period <= token.length / 2; period++) {
    if (token.startsWith(token.slice(period))) return true;
  }
  return false;
}

/** @internal */
export function isPath(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 256) return false;
  const segments = value.split('/');
  return (
    segments.shift() === '' &&
    segments.length > 0 &&
    segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.{1,2}$/.test(segment))
  );
}

/** @internal */
export function isListen(value: unknown): boolean {
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

/** @internal */
export function isL1(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, bound]) =>
      ['maxEntries', 'maxBytes'].includes(name) &&
      (bound === undefined || isPositive(name === 'maxBytes' ? bytes(bound) : bound)),
  );
}

/** Why the value is not a policy; undefined when it is one. @internal */
export function policyProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no object';
  const known: readonly string[] = POLICY_FIELDS;
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) return `a field '${unknown}', which no policy has`;
  const policy: PolicyOptions = value;
  try {
    assertDeclared(policy);
    if (policy.tags !== undefined) checkedTags(policy.tags);
    return undefined;
  } catch (error) {
    return error instanceof HyperCacheError ? error.message : 'an unreadable value';
  }
}

/** As {@link policyProblem}, for policies by name. @internal */
export function policiesProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no object';
  for (const [name, policy] of Object.entries(value)) {
    const isName = /^[A-Za-z_][\w.:-]*$/.test(name);
    const problem = isName ? policyProblem(policy) : 'a name that is not a word';
    if (problem !== undefined) return `'${name.slice(0, 40)}': ${problem}`;
  }
  return undefined;
}

/** Permissions of owner, group and others; the owner must be able to read and write. @internal */
export function isFileMode(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) <= 0o777 && (Number(value) & 0o600) === 0o600;
}

/** @internal */
export function isLogger(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return ['log', 'warn', 'error'].every(
    (method) => typeof Reflect.get(value, method) === 'function',
  );
}

/** @internal */
export function isEngine(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'create' in value &&
    typeof value.create === 'function'
  );
}

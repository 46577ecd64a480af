import { isBoolean, isOneOf, isPositive, isText, type OptionRule } from './option-rule.js';
import type { HyperCacheOptions } from './options.js';

const MIB = 1024 * 1024;

/** The options of a node's file, its memory, and what it does in the background. @internal */
export const CACHE_OPTION_RULES = {
  sqlitePath: {
    environment: 'HYPERCACHE_SQLITE_PATH',
    isValid: isText,
    instead: 'write the path of a directory',
  },
  ttl: { isValid: isTtl, instead: 'write milliseconds as a number from 0; 0 means no expiry' },
  namespace: {
    isValid: isNamespace,
    instead: 'write a non-empty string of at most 256 characters',
  },
  isGlobal: { isValid: isBoolean, instead: 'write true or false' },
  l1: {
    isValid: isL1,
    instead: 'write false, or { maxEntries, maxBytes } with whole numbers above 0',
  },
  isolation: {
    isValid: isOneOf('copy', 'freeze', 'share'),
    instead: "write 'copy', 'freeze' or 'share'",
  },
  durability: {
    isValid: isOneOf('relaxed', 'normal', 'full'),
    instead: "write 'relaxed', 'normal' or 'full'",
  },
  checkpoints: { isValid: isOneOf('worker', 'inline'), instead: "write 'worker' or 'inline'" },
  maxSize: {
    isValid: (value) => isPositive(value) && Number(value) >= 4 * MIB,
    instead: 'write bytes as a whole number of at least 4194304 (4 MiB)',
  },
  maxEntries: {
    isValid: (value) => value === Infinity || isPositive(value),
    instead: 'write a whole number above 0, or Infinity',
  },
  maxValueSize: {
    isValid: (value) => isPositive(value) && Number(value) <= 256 * MIB,
    instead: 'write bytes as a whole number from 1 to 268435456 (256 MiB)',
  },
  changeLogEntries: { isValid: isPositive, instead: 'write a whole number above 0' },
  changeLogAge: { isValid: isPositive, instead: 'write milliseconds as a whole number above 0' },
  sweepInterval: {
    isValid: (value) => isPositive(value) && Number(value) <= 3_600_000,
    instead: 'write milliseconds as a whole number from 1 to 3600000',
  },
  maxLockTtl: { isValid: isPositive, instead: 'write milliseconds as a whole number above 0' },
  coherenceInterval: {
    isValid: (value) => isPositive(value) && Number(value) <= 1000,
    instead: 'write milliseconds as a whole number from 1 to 1000',
  },
  logger: {
    isValid: isLogger,
    instead: 'pass an object with log(), warn() and error(), or false for silence',
  },
} satisfies { readonly [name in keyof HyperCacheOptions]?: OptionRule };

function isTtl(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}

function isNamespace(value: unknown): boolean {
  return isText(value) && String(value).length <= 256 && String(value).isWellFormed();
}

function isL1(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, bound]) =>
      ['maxEntries', 'maxBytes'].includes(name) && (bound === undefined || isPositive(bound)),
  );
}

function isLogger(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return ['log', 'warn', 'error'].every(
    (method) => typeof Reflect.get(value, method) === 'function',
  );
}

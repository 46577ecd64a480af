import { MAX_SENDER_LENGTH } from '../../common/limits.js';
import { checkedLeaseTtl, checkedLimit, checkedOwner } from '../../locks/lock-arguments.js';
import type { Command, CommandOf, Origin, RemovalStep } from '../../engine/command.js';
import { LeaseKind, type LeaseName } from '../../engine/lease.js';
import type { RunRequest } from '../../engine/run.js';
import { checkedThrottleLimits, checkedThrottleName } from '../../engine/throttle-arguments.js';
import { Fields, lifetimeToWire, malformed } from './fields.js';

/** The commands that another node may send; the others stay within a node. @internal */
export type ForwardedCommand = Exclude<Command, { kind: 'promoteWaiters' | 'cancelWait' | 'beat' }>;

/** @internal */
export interface CommandLimits {
  /** Bytes of an encoded value. */
  readonly maxValueSize: number;
  /** Milliseconds. */
  readonly maxLockTtl: number;
}

/** Each kind travels as its index: never change the order. */
const KINDS = [
  'set',
  'fill',
  'add',
  'setIf',
  'delete',
  'pull',
  'touch',
  'increment',
  'deletePrefix',
  'deleteTag',
  'clear',
  'acquireLease',
  'extendLease',
  'releaseLease',
  'forceReleaseLease',
  'throttle',
  'resetThrottle',
  'expire',
  'expirePrefix',
  'expireTag',
  'beginRun',
  'finishRun',
  'lastRun',
] as const satisfies readonly ForwardedCommand['kind'][];

const CODES = Object.fromEntries(KINDS.map((kind, code) => [kind, code])) as {
  readonly [kind in ForwardedCommand['kind']]: number;
};

/** Precedes a command that carries its origin. */
const WITH_ORIGIN = 100;

/** A command as it travels, with the origin that an asynchronous write has. @internal */
export function withOrigin(command: unknown, { source, sequence, follows }: Origin): unknown[] {
  return [WITH_ORIGIN, source, sequence, follows ?? null, command];
}

/** A command as it travels. @internal */
export function encodeCommand(command: ForwardedCommand): unknown[] {
  const code = CODES[command.kind];
  switch (command.kind) {
    case 'set': {
      const { fence } = command;
      const fields = encodeValueFields(code, command);
      return fence === undefined ? fields : [...fields, fence.name, fence.token];
    }
    case 'add':
      return encodeValueFields(code, command);
    case 'fill':
      return [...encodeValueFields(code, command), command.seen];
    case 'setIf':
      return [...encodeValueFields(code, command), command.revision];
    case 'delete':
    case 'pull':
      return [code, command.namespace, command.key];
    case 'touch':
      return [code, command.namespace, command.key, command.expiresAt];
    case 'expire':
      return [code, command.namespace, command.key, command.keeps === true];
    case 'increment': {
      const { namespace, key, by, initial, expiresAt } = command;
      return [code, namespace, key, by, initial, expiresAt];
    }
    case 'deletePrefix':
    case 'expirePrefix':
      return [code, command.namespace, command.prefix, ...stepFields(command.step)];
    case 'deleteTag':
    case 'expireTag':
      return [code, command.namespace, command.tag, ...stepFields(command.step)];
    case 'clear':
      return [code, command.namespace];
    case 'acquireLease':
      return [
        code,
        ...leaseFields(command.lease),
        command.owner,
        command.ttl,
        command.slots,
        command.mayWait === true,
      ];
    case 'extendLease':
      return [code, ...leaseFields(command.lease), command.owner, command.ttl];
    case 'releaseLease':
      return [code, ...leaseFields(command.lease), command.owner];
    case 'forceReleaseLease':
      return [code, ...leaseFields(command.lease)];
    case 'throttle': {
      const { throttle, limits } = command;
      const { limit, ttl, blockDuration, window } = limits;
      return [code, throttle.key, throttle.name, limit, ttl, blockDuration, window];
    }
    case 'resetThrottle':
      return [code, command.throttle.key, command.throttle.name ?? null];
    case 'beginRun': {
      const { name, id, slot, window, at, maxSkew, on, node } = command.run;
      return [code, name, id, slot, window, at, maxSkew, on, node];
    }
    case 'finishRun':
      return [code, command.name, command.id, command.ok];
    case 'lastRun':
      return [code, command.name];
  }
}

/**
 * Decodes what {@link encodeCommand} returned, and trusts none of it.
 *
 * @throws {HC_ARGUMENT_INVALID | HC_KEY_INVALID | HC_VALUE_TOO_LARGE}
 * @internal
 */
export function decodeCommand(message: unknown, limits: CommandLimits): ForwardedCommand {
  if (!Array.isArray(message)) throw malformed('a command is not a list');
  const fields = new Fields(message);
  const code = fields.integer();
  if (code === WITH_ORIGIN) return decodeWithOrigin(fields, limits);
  const kind = KINDS[code];
  switch (kind) {
    case 'set': {
      const command = { kind, ...valueFields(fields, limits) };
      if (fields.isAtEnd) return command;
      return { ...command, fence: { name: fields.key('name'), token: fields.integer() } };
    }
    case 'add':
      return { kind, ...valueFields(fields, limits) };
    case 'fill':
      return { kind, ...valueFields(fields, limits), seen: fields.integer() };
    case 'setIf':
      return { kind, ...valueFields(fields, limits), revision: fields.integer() };
    case 'delete':
    case 'pull':
      return { kind, ...keyFields(fields) };
    case 'touch':
      return { kind, ...keyFields(fields), expiresAt: fields.number() };
    case 'expire':
      return { kind, ...keyFields(fields), keeps: fields.boolean() };
    case 'increment':
      return {
        kind,
        ...keyFields(fields),
        by: fields.integer(),
        initial: fields.integer(),
        expiresAt: fields.number(),
      };
    case 'deletePrefix':
    case 'expirePrefix':
      return { kind, namespace: fields.namespace(), prefix: fields.prefix(), step: stepOf(fields) };
    case 'deleteTag':
    case 'expireTag':
      return { kind, namespace: fields.namespace(), tag: fields.key('tag'), step: stepOf(fields) };
    case 'clear':
      return { kind, namespace: fields.namespace() };
    case 'acquireLease':
      return {
        kind,
        lease: leaseOf(fields),
        owner: checkedOwner(fields.any()),
        ttl: checkedLeaseTtl(fields.any(), limits.maxLockTtl),
        slots: checkedLimit(fields.any()),
        wait: 0,
        mayWait: fields.any() === true,
      };
    case 'extendLease':
      return {
        kind,
        lease: leaseOf(fields),
        owner: checkedOwner(fields.any()),
        ttl: checkedLeaseTtl(fields.any(), limits.maxLockTtl),
      };
    case 'releaseLease':
      return { kind, lease: leaseOf(fields), owner: checkedOwner(fields.any()) };
    case 'forceReleaseLease':
      return { kind, lease: leaseOf(fields) };
    case 'throttle': {
      const throttle = checkedThrottleName(fields.any(), fields.any());
      const [limit, ttl, blockDuration] = [fields.any(), fields.any(), fields.any()];
      const checked = checkedThrottleLimits(limit, ttl, blockDuration, fields.any());
      return { kind, throttle, limits: checked };
    }
    case 'resetThrottle': {
      const [key, name] = [fields.key(), fields.any()];
      const throttle = name === null ? { key, name: undefined } : checkedThrottleName(key, name);
      return { kind, throttle };
    }
    case 'beginRun':
      return { kind, run: runOf(fields) };
    case 'finishRun':
      return { kind, name: fields.key('name'), id: fields.key('id'), ok: fields.boolean() };
    case 'lastRun':
      return { kind, name: fields.key('name') };
    default:
      throw malformed('a command of an unknown kind');
  }
}

function decodeWithOrigin(fields: Fields, limits: CommandLimits): ForwardedCommand {
  const source = fields.string();
  const sequence = fields.integer();
  const follows = fields.any();
  if (source.length > MAX_SENDER_LENGTH) throw malformed('a source');
  if (follows !== null && !Number.isSafeInteger(follows)) throw malformed('a sequence');
  const inner = fields.any();
  if (Array.isArray(inner) && inner[0] === WITH_ORIGIN) throw malformed('an origin of an origin');
  const command = decodeCommand(inner, limits);
  if (command.kind !== 'set' && command.kind !== 'delete') {
    throw malformed(`an asynchronous ${command.kind}`);
  }
  const origin = { source, sequence, follows: follows === null ? undefined : Number(follows) };
  return { ...command, origin };
}

/** @internal */
export function leaseFields({ kind, name }: LeaseName): [kind: number, name: string] {
  return [kind, name];
}

/** @throws {HC_ARGUMENT_INVALID | HC_KEY_INVALID} @internal */
export function leaseOf(fields: Fields): LeaseName {
  const kind = fields.integer();
  const known = Object.values(LeaseKind).find((value) => value === kind);
  if (known === undefined) throw malformed('a lease of an unknown kind');
  return { kind: known, name: fields.key('name') };
}

function runOf(fields: Fields): RunRequest {
  const [name, id, slot] = [fields.key('name'), fields.key('id'), fields.any()];
  if (slot !== null && !Number.isFinite(slot)) throw malformed('a slot');
  const [window, at, maxSkew, on] = [
    fields.number(),
    fields.number(),
    fields.number(),
    fields.any(),
  ];
  if (on !== 'start' && on !== 'success') throw malformed('a run');
  const node = fields.key('node');
  return { name, id, slot: slot === null ? null : Number(slot), window, at, maxSkew, on, node };
}

function keyFields(fields: Fields) {
  return { namespace: fields.namespace(), key: fields.key() };
}

function encodeValueFields(
  code: number,
  command: CommandOf<'set' | 'add' | 'fill' | 'setIf'>,
): unknown[] {
  const { namespace, key, value, expiresAt, freshUntil, tags } = command;
  return [code, namespace, key, value, lifetimeToWire(expiresAt, freshUntil), tags];
}

function valueFields(fields: Fields, { maxValueSize }: CommandLimits) {
  return {
    ...keyFields(fields),
    value: fields.value(maxValueSize),
    ...fields.lifetime(),
    tags: fields.tags(),
  };
}

function stepFields(step: RemovalStep | undefined): unknown[] {
  return step === undefined ? [] : [step.before, step.from];
}

function stepOf(fields: Fields): RemovalStep | undefined {
  const before = fields.any();
  if (before === undefined) return undefined;
  if (!Number.isSafeInteger(before)) throw malformed('a step of a deletion');
  return { before: Number(before), from: fields.string() };
}

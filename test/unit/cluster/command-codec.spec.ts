import { describe, expect, it } from '@jest/globals';
import fc from '../../support/fast-check.js';
import {
  decodeCommand,
  encodeCommand,
  type ForwardedCommand,
} from '../../../lib/cluster/wire/command-codec.js';
import { pack, unpack } from '../../../lib/cluster/wire/wire.js';
import { LeaseKind } from '../../../lib/engine/lease.js';

const LIMITS = { maxValueSize: 1000, maxLockTtl: 60_000 };

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((some) => some.isWellFormed());
const namespace = text(20);
const key = text(40);
const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 100 }).filter((some) => some.isWellFormed()),
  // As in the file, -0 is 0.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.maxSafeInteger(),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);
const expiresAt = fc.oneof(fc.constant(Infinity), fc.double({ min: 1, max: 1e14, noNaN: true }));
const tags = fc.array(key, { maxLength: 64 });
const revision = fc.nat();
/** Without a window both are the same, and one travels. */
const lifetime = fc
  .tuple(expiresAt, fc.double({ min: -1e14, max: 0.5, noNaN: true }))
  .chain(([end, fresh]) =>
    fc.constantFrom({ freshUntil: end, expiresAt: end }, { freshUntil: fresh, expiresAt: end }),
  );
const inPlace = { namespace, key, value, tags };
/** A command of an entry, with its lifetime. */
const ofEntry = <T extends object>(fields: fc.Arbitrary<T>) =>
  fc.tuple(fields, lifetime).map(([some, ends]) => ({ ...some, ...ends }));
const step = fc.option(fc.record({ before: revision, from: fc.oneof(fc.constant(''), key) }), {
  nil: undefined,
});
const lease = fc.record({ kind: fc.constantFrom(...Object.values(LeaseKind)), name: key });
const owner = text(60);
const ttl = fc.double({ min: 0.1, max: 60_000, noNaN: true });
const kind = <K extends ForwardedCommand['kind']>(name: K) => fc.constant(name);

/** Every kind: one that is missing here does not compile. */
const COMMANDS: { [K in ForwardedCommand['kind']]: fc.Arbitrary<ForwardedCommand> } = {
  set: fc.oneof(
    ofEntry(fc.record({ kind: kind('set'), ...inPlace })),
    ofEntry(
      fc.record({
        kind: kind('set'),
        ...inPlace,
        fence: fc.record({ name: key, token: fc.maxSafeInteger() }),
      }),
    ),
  ),
  fill: ofEntry(fc.record({ kind: kind('fill'), ...inPlace, seen: revision })),
  add: ofEntry(fc.record({ kind: kind('add'), ...inPlace })),
  setIf: ofEntry(fc.record({ kind: kind('setIf'), ...inPlace, revision })),
  delete: fc.record({ kind: kind('delete'), namespace, key }),
  pull: fc.record({ kind: kind('pull'), namespace, key }),
  touch: fc.record({ kind: kind('touch'), namespace, key, expiresAt }),
  expire: fc.record({ kind: kind('expire'), namespace, key, keeps: fc.boolean() }),
  increment: fc.record({
    kind: kind('increment'),
    namespace,
    key,
    by: fc.maxSafeInteger(),
    initial: fc.maxSafeInteger(),
    expiresAt,
  }),
  deletePrefix: fc.record({
    kind: kind('deletePrefix'),
    namespace,
    prefix: fc.oneof(fc.constant(''), key),
    step,
  }),
  expirePrefix: fc.record({
    kind: kind('expirePrefix'),
    namespace,
    prefix: fc.oneof(fc.constant(''), key),
    step,
  }),
  expireTag: fc.record({ kind: kind('expireTag'), namespace, tag: key, step }),
  deleteTag: fc.record({ kind: kind('deleteTag'), namespace, tag: key, step }),
  clear: fc.record({ kind: kind('clear'), namespace }),
  acquireLease: fc.record({
    kind: kind('acquireLease'),
    lease,
    owner,
    ttl,
    slots: fc.integer({ min: 1, max: 1000 }),
    wait: fc.constant(0),
    mayWait: fc.boolean(),
  }),
  extendLease: fc.record({ kind: kind('extendLease'), lease, owner, ttl }),
  releaseLease: fc.record({ kind: kind('releaseLease'), lease, owner }),
  forceReleaseLease: fc.record({ kind: kind('forceReleaseLease'), lease }),
  throttle: fc.record({
    kind: kind('throttle'),
    throttle: fc.record({ key, name: key }),
    limits: fc.record({
      limit: fc.nat(),
      ttl: fc.double({ min: 0, max: 1e12, noNaN: true }),
      blockDuration: fc.double({ min: 0, max: 1e12, noNaN: true }),
      window: fc.constantFrom('sliding', 'fixed'),
    }),
  }),
  beginRun: fc.record({
    kind: kind('beginRun'),
    run: fc.record({
      name: key,
      id: key,
      slot: fc.option(fc.nat()),
      window: fc.nat(),
      at: fc.nat(),
      maxSkew: fc.nat(),
      on: fc.constantFrom('start', 'success'),
      node: key,
    }),
  }),
  finishRun: fc.record({ kind: kind('finishRun'), name: key, id: key, ok: fc.boolean() }),
  lastRun: fc.record({ kind: kind('lastRun'), name: key }),
  resetThrottle: fc.record({
    kind: kind('resetThrottle'),
    throttle: fc.record({ key, name: fc.option(key, { nil: undefined }) }),
  }),
};

describe('a command', () => {
  it.each(Object.keys(COMMANDS) as ForwardedCommand['kind'][])(
    '%s comes back from its bytes',
    (name) => {
      fc.assert(
        fc.property(COMMANDS[name], (command) => {
          expect(decodeCommand(unpack(pack(encodeCommand(command))), LIMITS)).toEqual(command);
        }),
      );
    },
  );

  it('with another number of fields, or others, is refused as a whole', () => {
    const codes = ['HC_ARGUMENT_INVALID', 'HC_KEY_INVALID', 'HC_VALUE_TOO_LARGE'];
    fc.assert(
      fc.property(
        fc.oneof(...Object.values(COMMANDS)),
        fc.nat(),
        fc.constantFrom(null, true, -1, 1.5, '', 'x'.repeat(2000), [], {}, Buffer.alloc(2000)),
        (command, at, junk) => {
          const fields = encodeCommand(command);
          fields[at % fields.length] = junk;
          try {
            decodeCommand(unpack(pack(fields)), LIMITS);
          } catch (error) {
            expect(codes).toContain(Object(error).code);
          }
        },
      ),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { checkLinearizability, type Operation } from '../support/linearizability.js';
import { entryModel, type EntryInput, type EntryOutput } from '../support/models/entry-model.js';
import {
  leaseModel,
  withUnnoticedGrants,
  type LeaseInput,
  type LeaseOutput,
} from '../support/models/lease-model.js';

/** One after the other, a millisecond each; without an output, nobody knows. */
function inTurn<I, O>(...steps: readonly (readonly [I, O?])[]): Operation<I, O>[] {
  return steps.map(([input, output], i) => ({
    input,
    output,
    calledAt: 10 * i,
    returnedAt: output === undefined ? Infinity : 10 * i + 1,
  }));
}

type EntryStep = readonly [EntryInput, EntryOutput?];
type LeaseStep = readonly [LeaseInput, LeaseOutput?];

const isEntryHistory = (...steps: EntryStep[]): boolean =>
  checkLinearizability(entryModel, inTurn(...steps)).isLinearizable;
const isLeaseHistory = (...steps: LeaseStep[]): boolean =>
  checkLinearizability(leaseModel, withUnnoticedGrants(inTurn(...steps))).isLinearizable;

describe('The model of an entry', () => {
  const set: EntryStep = [{ op: 'set', value: 5 }, { revision: 3 }];

  it.each<[string, EntryStep[]]>([
    ['a missing key', [[{ op: 'get' }, { value: null }]]],
    ['its revision', [[{ op: 'getWithRevision' }, { value: null, revision: 0 }]]],
    ['a value', [set, [{ op: 'getWithRevision' }, { value: 5, revision: 3 }]]],
    [
      'a counter',
      [
        [{ op: 'increment', by: 2 }, { value: 2 }],
        [{ op: 'increment', by: 1 }, { value: 3 }],
      ],
    ],
    [
      'add',
      [
        [{ op: 'add', value: 1 }, { done: true }],
        [{ op: 'add', value: 2 }, { done: false }],
        [{ op: 'get' }, { value: 1 }],
      ],
    ],
    [
      'setIf that matches',
      [
        set,
        [
          { op: 'setIf', value: 6, revision: 3 },
          { done: true, revision: 9 },
        ],
      ],
    ],
    [
      'setIf that does not match',
      [
        set,
        [
          { op: 'setIf', value: 6, revision: 2 },
          { done: false, revision: 3 },
        ],
      ],
    ],
    [
      'a revision learned late',
      [
        [{ op: 'add', value: 1 }, { done: true }],
        [
          { op: 'setIf', value: 2, revision: 7 },
          { done: true, revision: 8 },
        ],
      ],
    ],
    ['pull', [set, [{ op: 'pull' }, { value: 5 }], [{ op: 'delete' }, { done: false }]]],
    ['a lost set', [set, [{ op: 'set', value: 6 }], [{ op: 'get' }, { value: 5 }]]],
    ['a set nobody heard of', [set, [{ op: 'set', value: 6 }], [{ op: 'get' }, { value: 6 }]]],
    [
      'a touched entry',
      [
        set,
        [{ op: 'touch' }, { done: true }],
        [{ op: 'getWithRevision' }, { value: 5, revision: 4 }],
      ],
    ],
  ])('accepts %s', (_what, steps) => {
    expect(isEntryHistory(...steps)).toBe(true);
  });

  it.each<[string, EntryStep[]]>([
    ['a stale read', [set, [{ op: 'get' }, { value: null }]]],
    ['another revision of the same value', [set, [{ op: 'getWithRevision' }, { revision: 4 }]]],
    ['a revision that goes back', [set, [{ op: 'set', value: 6 }, { revision: 2 }]]],
    ['two adds', [set, [{ op: 'add', value: 1 }, { done: true }]]],
    ['a refused add of a missing key', [[{ op: 'add', value: 1 }, { done: false }]]],
    [
      'two increments to the same sum',
      [
        [{ op: 'increment', by: 1 }, { value: 1 }],
        [{ op: 'increment', by: 1 }, { value: 1 }],
      ],
    ],
    ['setIf on a stale revision', [set, [{ op: 'setIf', value: 6, revision: 2 }, { done: true }]]],
    [
      'a refused setIf that matches',
      [set, [{ op: 'setIf', value: 6, revision: 3 }, { done: false }]],
    ],
    ['two pulls', [set, [{ op: 'pull' }, { value: 5 }], [{ op: 'pull' }, { value: 5 }]]],
    [
      'a deleted value that reappears',
      [set, [{ op: 'delete' }, { done: true }], [{ op: 'get' }, { value: 5 }]],
    ],
    ['an unchanged revision after a touch', [set, [{ op: 'touch' }, { done: true, revision: 3 }]]],
  ])('rejects %s', (_what, steps) => {
    expect(isEntryHistory(...steps)).toBe(false);
  });
});

const byB = (done: boolean, token?: number): LeaseStep => [
  { op: 'acquire', owner: 'b', ttl: 25, wait: 0 },
  token === undefined ? { done } : { done, token },
];

describe('The model of a lease', () => {
  const held: LeaseStep = [
    { op: 'acquire', owner: 'a', ttl: 25, wait: 0 },
    { done: true, token: 1 },
  ];
  const pause: LeaseStep = [{ op: 'release', owner: 'nobody' }, { done: false }];

  it.each<[string, LeaseStep[]]>([
    ['a refusal while it is held', [held, byB(false)]],
    [
      'a grant after a release',
      [held, [{ op: 'release', owner: 'a' }, { done: true }], byB(true, 2)],
    ],
    ['a grant after the end', [held, pause, pause, byB(true, 2)]],
    [
      'a refused release after the end',
      [held, pause, pause, [{ op: 'release', owner: 'a' }, { done: false }]],
    ],
    [
      'a longer lease',
      [held, pause, [{ op: 'extend', owner: 'a', ttl: 25 }, { done: true }], pause, byB(false)],
    ],
    ['force', [held, [{ op: 'forceRelease' }, { done: true }], byB(true, 2)]],
    ['a look', [held, [{ op: 'inspect' }, { done: true, owner: 'a', token: 1 }]]],
    ['a look at nobody', [[{ op: 'inspect' }, { done: false }]]],
    ['a grant nobody heard of', [[{ op: 'acquire', owner: 'a', ttl: 25, wait: 0 }], byB(false)]],
    ['a lost request', [[{ op: 'acquire', owner: 'a', ttl: 25, wait: 0 }], byB(true, 1)]],
    [
      'a grant that was lost before it was noticed',
      [[{ op: 'acquire', owner: 'a', ttl: 25, wait: 5 }, { done: false }], byB(false)],
    ],
    ['a release nobody heard of', [held, [{ op: 'release', owner: 'a' }], byB(true, 2)]],
  ])('accepts %s', (_what, steps) => {
    expect(isLeaseHistory(...steps)).toBe(true);
  });

  it.each<[string, LeaseStep[]]>([
    ['two holders', [held, byB(true, 2)]],
    ['a refusal when it is free', [byB(false)]],
    ['a refusal long after the end', [held, pause, pause, pause, byB(false)]],
    [
      'a token that does not grow',
      [held, [{ op: 'release', owner: 'a' }, { done: true }], byB(true, 1)],
    ],
    ["a stranger's release", [held, [{ op: 'release', owner: 'b' }, { done: true }]]],
    ['a refused release', [held, [{ op: 'release', owner: 'a' }, { done: false }]]],
    [
      'two releases',
      [
        held,
        ...Array.from({ length: 2 }, (): LeaseStep => [
          { op: 'release', owner: 'a' },
          { done: true },
        ]),
      ],
    ],
    [
      "an expired owner's extension",
      [held, pause, pause, pause, [{ op: 'extend', owner: 'a', ttl: 25 }, { done: true }]],
    ],
    [
      'a look at the wrong owner',
      [held, [{ op: 'inspect' }, { done: true, owner: 'b', token: 1 }]],
    ],
    ['a look at nobody while it is held', [held, [{ op: 'inspect' }, { done: false }]]],
  ])('rejects %s', (_what, steps) => {
    expect(isLeaseHistory(...steps)).toBe(false);
  });
});

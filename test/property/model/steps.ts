import fc from '../../support/fast-check.js';
import { KEYS, operation, type Operation } from './operations.js';

/** Two caches on one node: what happens in one must not reach the other. */
export const NAMESPACES = ['first', 'second'] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** Which revision a compare-and-set names. */
type Expectation = 'current' | 'remembered';

/** One step of a run, as data. */
export type Step =
  | { readonly do: 'operation'; readonly namespace: Namespace; readonly operation: Operation }
  | {
      readonly do: 'setIf';
      readonly namespace: Namespace;
      readonly key: string;
      readonly value: number;
      readonly ttl: number | undefined;
      readonly expect: Expectation;
    }
  | {
      readonly do: 'together';
      readonly namespace: Namespace;
      readonly operations: readonly Operation[];
    }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'flush' | 'maintain' | 'restart' | 'crash' };

export const namespace = fc.constantFrom<Namespace[]>('first', 'first', 'first', 'second');

const nodeStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 39, 40, 99, 100, 1000, 60_000),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'flush' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'maintain' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'crash' }) },
);

const setIf: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('setIf' as const),
  namespace,
  key: fc.constantFrom(...KEYS),
  value: fc.integer({ min: -3, max: 3 }),
  ttl: fc.constantFrom(undefined, 40, 1000),
  expect: fc.constantFrom<Expectation[]>('current', 'remembered'),
});

const operationStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('operation' as const),
  namespace,
  operation,
});

const together: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('together' as const),
  namespace,
  operations: fc.array(operation, { minLength: 2, maxLength: 8, size: 'max' }),
});

/** A run of steps, one after the other. */
export const run: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: operationStep },
    { weight: 2, arbitrary: setIf },
    { weight: 3, arbitrary: nodeStep },
  ),
  { minLength: 1, maxLength: 160, size: 'max' },
);

/** A run of steps in which several operations are begun in the same turn, and awaited together. */
export const concurrentRun: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: together },
    { weight: 5, arbitrary: operationStep },
    { weight: 2, arbitrary: nodeStep },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

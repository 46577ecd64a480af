import type { Operation, SequentialModel } from '../linearizability.js';

/** What is asked about one key. Values are integers, so that all operations are possible at all times. */
export type EntryInput =
  | { readonly op: 'get' | 'getWithRevision' | 'delete' | 'pull' | 'touch' }
  | { readonly op: 'set' | 'add'; readonly value: number }
  | { readonly op: 'setIf'; readonly value: number; readonly revision: number }
  | { readonly op: 'increment'; readonly by: number };

/** What is answered; null stands for a missing value. */
export interface EntryOutput {
  readonly value?: number | null;
  readonly revision?: number;
  /** Whether it was stored, deleted or touched. */
  readonly done?: boolean;
}

/** @property revision of the value; undefined while no answer has told it */
interface EntryState {
  readonly value: number | undefined;
  readonly revision: number | undefined;
  /** Every later revision of the key is above it. */
  readonly floor: number;
}

type EntryOperation = Operation<EntryInput, EntryOutput>;

/** One key of a cache whose entries do not expire. */
export const entryModel = modelOf(written);

/** As {@link entryModel}, of an engine whose revisions only differ: nobody orders those of two nodes. */
export const unorderedEntryModel = modelOf((_state, value) => ({
  value,
  revision: value === undefined ? 0 : undefined,
  floor: 0,
}));

type Write = typeof written;

function modelOf(write: Write): SequentialModel<EntryState, EntryInput, EntryOutput> {
  return {
    initial: { value: undefined, revision: 0, floor: 0 },
    apply: (state, operation) => {
      const next = applyTo(state, operation, write);
      return next === undefined ? undefined : told(next, operation.output?.revision);
    },
    keyOf: ({ value, revision, floor }) => `${value}/${revision}/${floor}`,
  };
}

function applyTo(
  state: EntryState,
  { input, output }: EntryOperation,
  write: Write,
): EntryState | undefined {
  const isMissing = state.value === undefined;
  switch (input.op) {
    case 'get':
    case 'getWithRevision':
      return isAnswer(output?.value, state.value ?? null) ? state : undefined;
    case 'pull':
      return isAnswer(output?.value, state.value ?? null) ? write(state, undefined) : undefined;
    case 'delete':
      return isAnswer(output?.done, !isMissing) ? write(state, undefined) : undefined;
    case 'touch':
      if (!isAnswer(output?.done, !isMissing)) return undefined;
      return isMissing ? state : write(state, state.value);
    case 'set':
      return write(state, input.value);
    case 'add':
      if (!isAnswer(output?.done, isMissing)) return undefined;
      return isMissing ? write(state, input.value) : state;
    case 'increment': {
      const sum = (state.value ?? 0) + input.by;
      return isAnswer(output?.value, sum) ? write(state, sum) : undefined;
    }
    case 'setIf': {
      const expected = told(state, output?.done === false ? undefined : input.revision);
      if (output?.done === true) return expected && write(expected, input.value);
      if (output?.done === false) return state.revision === input.revision ? undefined : state;
      // Without an answer: had it been refused, that would be as if it had not happened.
      return expected && write(expected, input.value);
    }
  }
}

function isAnswer<T>(answer: T | undefined, expected: T): boolean {
  return answer === undefined || answer === expected;
}

function written({ revision, floor }: EntryState, value: number | undefined): EntryState {
  return {
    value,
    revision: value === undefined ? 0 : undefined,
    floor: Math.max(floor, revision ?? 0),
  };
}

/** The state once somebody has seen its revision; undefined when that cannot be. */
function told(state: EntryState, revision: number | undefined): EntryState | undefined {
  if (revision === undefined || revision === state.revision) return state;
  if (state.revision !== undefined || revision <= state.floor) return undefined;
  return { ...state, revision };
}

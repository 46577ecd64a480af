import type { Operation, SequentialModel } from '../linearizability.js';

/** What is asked about one lock, by one owner. Times are monotonic ms. */
export type LeaseInput =
  | { readonly op: 'acquire'; readonly owner: string; readonly ttl: number; readonly wait: number }
  | { readonly op: 'extend'; readonly owner: string; readonly ttl: number }
  | { readonly op: 'release'; readonly owner: string }
  | { readonly op: 'forceRelease' | 'inspect' };

export interface LeaseOutput {
  readonly done: boolean;
  /** Of the owner's lease, or of the one that was found. */
  readonly token?: number;
  /** Whom `inspect` found. */
  readonly owner?: string;
}

/**
 * Somebody who waited in vain may have been given the lease all the same, and have lost it, by force or by its end,
 * before he knew of it: whether that happened is not known. Who died while he waited may be served after that.
 */
export function withUnnoticedGrants(
  history: readonly Operation<LeaseInput, LeaseOutput>[],
): Operation<LeaseInput, LeaseOutput>[] {
  return history.map((operation) => {
    const { input, output, returnedAt } = operation;
    if (input.op !== 'acquire' || input.wait === 0 || output?.done === true) return operation;
    return output === undefined
      ? { ...operation, returnedAt: returnedAt + input.wait }
      : { ...operation, output: undefined };
  });
}

/** Tokens of one epoch of the file. */
const EPOCH_TOKENS = 2 ** 32;

/** A lease ends at a moment that is known only within bounds: it began between a call and its answer. */
interface LeaseState {
  readonly owner: string | undefined;
  /** The last; the epoch may be a later one when nobody has told. */
  readonly token: number;
  readonly endsAfter: number;
  readonly endsBefore: number;
}

type LeaseOperation = Operation<LeaseInput, LeaseOutput>;

/** One lock whose leases expire. */
export const leaseModel: SequentialModel<LeaseState, LeaseInput, LeaseOutput> = {
  initial: { owner: undefined, token: 0, endsAfter: 0, endsBefore: 0 },
  apply: (state, operation) => {
    const { input, output } = operation;
    const { done } = output ?? {};
    switch (input.op) {
      case 'acquire':
        if (done === false) return mayBeHeld(state, operation) ? state : undefined;
        return mayBeFree(state, operation) ? granted(state, operation, input) : undefined;
      case 'extend':
        if (done === false) return mayHaveLost(state, operation, input.owner) ? state : undefined;
        return mayHold(state, operation, input.owner)
          ? prolonged(state, operation, input.ttl)
          : undefined;
      case 'release':
        if (done === false) return mayHaveLost(state, operation, input.owner) ? state : undefined;
        return mayHold(state, operation, input.owner) ? freed(state) : undefined;
      case 'forceRelease':
        if (done === false) return mayBeFree(state, operation) ? state : undefined;
        return mayBeHeld(state, operation) ? freed(state) : undefined;
      case 'inspect':
        if (done === false) return mayBeFree(state, operation) ? state : undefined;
        return found(state, operation);
    }
  },
  keyOf: ({ owner, token, endsAfter, endsBefore }) =>
    `${owner}/${token}/${endsAfter}/${endsBefore}`,
};

function mayBeFree({ owner, endsAfter }: LeaseState, { returnedAt }: LeaseOperation): boolean {
  return owner === undefined || returnedAt >= endsAfter;
}

function mayBeHeld({ owner, endsBefore }: LeaseState, { calledAt }: LeaseOperation): boolean {
  return owner !== undefined && calledAt < endsBefore;
}

function mayHold(state: LeaseState, operation: LeaseOperation, owner: string): boolean {
  return state.owner === owner && mayBeHeld(state, operation);
}

function mayHaveLost(state: LeaseState, operation: LeaseOperation, owner: string): boolean {
  return state.owner !== owner || mayBeFree(state, operation);
}

function freed(state: LeaseState): LeaseState {
  return { ...state, owner: undefined, endsAfter: 0, endsBefore: 0 };
}

function granted(
  state: LeaseState,
  operation: LeaseOperation,
  { owner, ttl }: { owner: string; ttl: number },
): LeaseState | undefined {
  const token = operation.output?.token ?? state.token + 1;
  if (token !== state.token + 1 && !isOfLaterEpoch(token, state)) return undefined;
  return prolonged({ ...state, owner, token }, operation, ttl);
}

function isOfLaterEpoch(token: number, state: LeaseState): boolean {
  return Math.floor(token / EPOCH_TOKENS) > Math.floor(state.token / EPOCH_TOKENS);
}

function prolonged(state: LeaseState, operation: LeaseOperation, ttl: number): LeaseState {
  return {
    ...state,
    endsAfter: operation.calledAt + ttl,
    endsBefore: operation.returnedAt + ttl,
  };
}

function found(state: LeaseState, operation: LeaseOperation): LeaseState | undefined {
  const { owner, token = state.token } = operation.output ?? {};
  if (operation.output === undefined) return state;
  if (owner === undefined || !mayHold(state, operation, owner)) return undefined;
  // The grant itself may have had no answer: then this is the first news of its epoch.
  return token === state.token || isOfLaterEpoch(token, state) ? { ...state, token } : undefined;
}

import { checkedTags } from '../cache/factory-context.js';
import { InvalidArgumentError } from '../common/errors.js';
import { assertKey } from '../common/keys.js';
import type { Fence } from '../engine/command.js';

const NO_TAGS: readonly string[] = [];

/** @throws {HC_ARGUMENT_INVALID | HC_KEY_INVALID} @internal */
export function tagsOf(tags: readonly string[] | undefined): readonly string[] {
  return tags === undefined ? NO_TAGS : checkedTags(tags);
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function assertSignal(signal: unknown): void {
  if (signal instanceof AbortSignal) return;
  throw new InvalidArgumentError(
    'The signal is not an AbortSignal.',
    'Pass the signal of an AbortController, or AbortSignal.timeout(ms).',
  );
}

/** @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} @internal */
export function checkedFence(fence: unknown): Fence {
  const { name, token } = Object(fence) as { name: unknown; token: unknown };
  assertKey(name, 'name of the fence');
  if (!Number.isSafeInteger(token)) {
    throw new InvalidArgumentError(
      'The token of the fence is not a whole number.',
      "Pass the lock's name and token: { fence: { name: lock.name, token } }.",
    );
  }
  return { name, token: Number(token) };
}

import { InvalidArgumentError } from '../common/errors.js';
import type { LeaseName } from '../engine/lease.js';

/** The error for an owner that would otherwise wait for itself forever. @internal */
export function alreadyThere({ name }: LeaseName): InvalidArgumentError {
  return new InvalidArgumentError(
    `The owner already holds '${name}', or waits for it.`,
    'Make one handle, with an owner of its own, for each acquisition that runs at the same time.',
  );
}

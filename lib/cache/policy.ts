import { milliseconds, type Duration } from '../common/duration.js';
import { InvalidArgumentError } from '../common/errors.js';

/** The longest window: ECMAScript's last instant. */
const MAX_WINDOW_MS = 8.64e15;

/** How long an entry is kept after its ttl. @internal */
export interface Windows {
  readonly stale?: Duration | undefined;
  readonly grace?: Duration | undefined;
}

/** The longer of both, in ms. @throws {HC_ARGUMENT_INVALID} @internal */
export function windowOf({ stale, grace }: Windows): number {
  if (stale === undefined && grace === undefined) return 0;
  return Math.max(checkedMs('stale', stale), checkedMs('grace', grace));
}

/**
 * Milliseconds of a duration from 0; 0 of undefined.
 *
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function checkedMs(name: string, given: unknown, most = MAX_WINDOW_MS): number {
  if (given === undefined) return 0;
  const ms = milliseconds(given);
  if (typeof ms === 'number' && ms >= 0 && ms <= most) return ms;
  throw new InvalidArgumentError(
    `\`${name}\` is no duration that can be used.`,
    `Give milliseconds from 0 up to ${most}, or a duration with its unit such as '30s' or '5m'.`,
  );
}

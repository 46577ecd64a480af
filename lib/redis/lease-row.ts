import type { HeldLease, LeaseName } from '../engine/lease.js';
import { HEAD, HOLDER_HEAD } from './scripts/lease-state.js';

const MICROSECONDS = 1000;

/**
 * The live holders of a lease, read from the format of the lease scripts.
 *
 * @param now the server's time in microseconds
 * @param monotonic the same moment, or an earlier one, on this machine's clock, in ms
 * @internal
 */
export function holdersOf(
  { kind, name }: LeaseName,
  row: Buffer,
  now: number,
  monotonic: number,
): HeldLease[] {
  const number = (from: number, to: number): number => Number(row.toString('latin1', from, to));
  const held: HeldLease[] = [];
  for (let at = HEAD; at + HOLDER_HEAD <= row.length;) {
    const size = number(at + 53, at + 57);
    const end = number(at + 16, at + 32);
    const owner = row.toString('utf8', at + HOLDER_HEAD, at + HOLDER_HEAD + size);
    if (end > now) {
      held.push({
        kind,
        name,
        token: number(at, at + 16),
        expiresAt: monotonic + (end - now) / MICROSECONDS,
        ttl: number(at + 32, at + 48) / MICROSECONDS,
        slot: number(at + 48, at + 52),
        owner,
      });
    }
    at += HOLDER_HEAD + size;
  }
  return held.toSorted((a, b) => a.slot - b.slot);
}

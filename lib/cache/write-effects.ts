import { ValueTooLargeError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import type { Lifetime } from '../common/expiry.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import type { L1 } from '../memory/l1.js';
import { captureValue, type CapturedValue } from '../value/capture.js';
import { encodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import { admit, type Isolation } from '../value/isolation.js';
import type { PendingWrites } from './pending-writes.js';

/** @internal */
export interface WriteEffectsParts {
  readonly namespace: string;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly events: CacheEvents;
  readonly isolation: Isolation;
  /** Bytes of an encoded value. */
  readonly maxValueBytes: number;
  readonly coherence: Pick<MemoryCoherence, 'keepsOwnWrites'>;
}

/** The encoded form of a captured value never takes more than this many times its estimate. */
const ENCODING_FACTOR = 6;

/**
 * What all writes of one namespace share: how they take a value from a caller, and how they update memory and listeners.
 *
 * @internal
 */
export class WriteEffects {
  constructor(private readonly parts: WriteEffectsParts) {}

  capture(value: unknown): CapturedValue {
    const captured = captureValue(value, this.parts.maxValueBytes);
    if (captured.bytes * ENCODING_FACTOR > this.parts.maxValueBytes) this.encode(captured);
    return captured;
  }

  encode(captured: CapturedValue): StoredValue {
    const { maxValueBytes } = this.parts;
    const stored = encodeValue(captured);
    const bytes = storedBytes(stored);
    if (bytes > maxValueBytes) throw new ValueTooLargeError(bytes, maxValueBytes);
    return stored;
  }

  admit(key: string, captured: CapturedValue, lifetime: Lifetime): void {
    const { l1, isolation } = this.parts;
    if (l1 === undefined) return;
    const isCopied = admit(captured.value, isolation);
    l1.set(key, captured.value, lifetime, captured.bytes, isCopied);
  }

  /** L1 follows a committed change, unless a later write of this node already waits. */
  remember(key: string, value: unknown, lifetime: Lifetime, bytes: number): void {
    const { l1, pending, isolation, coherence } = this.parts;
    if (l1 === undefined || pending.get(key) !== undefined) return;
    if (!coherence.keepsOwnWrites) {
      l1.delete(key);
      return;
    }
    l1.set(key, value, lifetime, bytes, admit(value, isolation));
  }

  forget(key: string): void {
    if (this.parts.pending.get(key) === undefined) this.parts.l1?.delete(key);
  }

  emitStored(key: string): void {
    const { set } = this.parts.events.topics;
    if (set.hasListeners) set.emit({ namespace: this.parts.namespace, key });
  }

  readonly emitDeleted = (key: string): void => {
    const { del } = this.parts.events.topics;
    if (del.hasListeners) del.emit({ namespace: this.parts.namespace, key });
  };
}

/** A value and the revision of its last change. @publicApi */
export interface Versioned<T> {
  value: T | undefined;
  /** 0 when the key is missing. */
  revision: number;
}

/** The options of `getEntry`. @publicApi */
export interface GetEntryOptions {
  /** Whether it also finds an entry that is past its ttl and kept for `stale` or `grace`. @default false */
  stale?: boolean | undefined;
}

/** A value with the data of its entry. @publicApi */
export interface Entry<T> {
  value: T;
  /** Whether it is past its ttl. */
  isStale: boolean;
  /** Where it was found: memory, this node's file (or a write that waits for it), or the primary. */
  source: 'l1' | 'l2' | 'primary';
  /** When it stops or stopped being fresh, in Unix ms; undefined when it never expires. */
  freshUntil: number | undefined;
  /** When it is removed, after its windows, in Unix ms; undefined when it never expires. */
  expiresAt: number | undefined;
}

/** The result of `wrapEntry`. @publicApi */
export interface WrappedEntry<T> extends Omit<Entry<T>, 'source'> {
  /** Where it came from: memory, this node's file, the primary, or the factory. */
  source: 'l1' | 'l2' | 'primary' | 'factory';
  /**
   * Why an old value is served: it is being refreshed, in the background or by another node (`refreshing`); the factory has
   * failed (`error`) or is late (`timeout`); or it failed a short time ago (`throttled`).
   */
  reason?: 'refreshing' | 'error' | 'timeout' | 'throttled';
  /** The error of the factory. */
  error?: unknown;
}

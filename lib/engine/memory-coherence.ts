/**
 * Whether this process may trust what it has in memory. The engine provides it, and the tiers consult it.
 *
 * @internal
 */
export interface MemoryCoherence {
  /**
   * Consulted before each read from memory. True means that everything that others have changed has left memory. False means
   * that this is unknown: then nothing is read from memory, and nothing is put there.
   */
  isTrusted(): boolean;
  /**
   * Whether a value that this node committed enters memory. It does not on a replica: a newer value may have been applied by
   * then, and may already have left memory.
   */
  readonly keepsOwnWrites: boolean;
}

/**
 * How an engine notifies the holders of entries in memory. Each call also voids the tickets of pending reads: their results
 * are returned, but not kept.
 *
 * @internal
 */
export interface MemoryListener {
  changed(namespace: string, key: string): void;
  cleared(namespace: string): void;
  /** It is unknown what has changed. */
  lost(): void;
}

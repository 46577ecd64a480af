/**
 * Whether this process may believe what it has in memory. Given by the engine, asked by the tiers.
 *
 * @internal
 */
export interface MemoryCoherence {
  /**
   * To be called before each read from memory. What others have changed has left memory when it returns true; false
   * while nobody knows: then nothing is read from memory, and nothing is put there.
   */
  isTrusted(): boolean;
  /**
   * Whether a committed value of this node's own goes into memory. Not on a replica: what it has applied by then may be
   * newer, and has left memory already.
   */
  readonly keepsOwnWrites: boolean;
}

/**
 * What an engine tells those who have entries in memory. Each call also voids the tickets of reads that are on their
 * way: what they bring is returned, and not kept.
 *
 * @internal
 */
export interface MemoryListener {
  changed(namespace: string, key: string): void;
  cleared(namespace: string): void;
  /** Nobody knows what has changed. */
  lost(): void;
}

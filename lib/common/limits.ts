/** The longest time of a timer, in ms (24 days). A timer for a longer time fires at once. @internal */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The longest key or tag, in bytes of UTF-8. @internal */
export const MAX_KEY_BYTES = 1024;

/** Tags of one entry at most. @internal */
export const MAX_TAGS = 64;

/** The longest name of a namespace, in characters. @internal */
export const MAX_NAMESPACE_LENGTH = 256;

/** Namespaces that one process uses at most: each stays in memory as long as the process runs. @internal */
export const MAX_NAMESPACES = 10_000;

/** The longest owner of a lock, in characters. @internal */
export const MAX_OWNER_LENGTH = 256;

/** Slots of a semaphore at most. @internal */
export const MAX_SLOTS = 1000;

/** Writes that may wait for their commit, or for the primary's answer, and their bytes; further writes are refused. @internal */
export const MAX_QUEUED_WRITES = 200_000;
/** @internal */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

/** Commands or queries in one request of another node at most. @internal */
export const MAX_REQUEST_ITEMS = 1000;

/** The longest name, in characters, that a node gives itself as the sender of requests or the source of writes. @internal */
export const MAX_SENDER_LENGTH = 64;

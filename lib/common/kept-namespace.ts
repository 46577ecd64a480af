/** What the name of a namespace begins with whose entries are never evicted: every node, and every file, knows it by that. */
const KEPT = 'kept:';

/** @internal */
export function keptNamespace(name: string): string {
  return KEPT + name;
}

/** Whether its entries are never evicted. @internal */
export function isKept(namespace: string): boolean {
  return namespace.startsWith(KEPT);
}

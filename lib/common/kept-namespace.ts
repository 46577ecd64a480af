/** Prefix of a namespace whose entries are never evicted. Every node and every file recognizes the namespace by it. */
const KEPT = 'kept:';

/** @internal */
export function keptNamespace(name: string): string {
  return KEPT + name;
}

/** Whether the entries of the namespace are never evicted. @internal */
export function isKept(namespace: string): boolean {
  return namespace.startsWith(KEPT);
}

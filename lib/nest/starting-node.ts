import { FileInUseError } from '../common/errors.js';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';

/** A node whose application is not complete yet. */
interface StartingNode {
  readonly path: string | undefined;
  readonly node: HyperCacheNode;
  readonly application: object;
  readonly started: Promise<void>;
}

/** The starting nodes of this process. */
const starting = new Set<StartingNode>();

/**
 * Starts the node of an application. Nest does not notify a provider when another one fails. The node of an application whose
 * start has failed stays open until the next application that needs its directory takes it over.
 *
 * @param path its sqlitePath; undefined where nodes need none: any number may use one server
 * @param application an object of which each application has one
 * @throws what the start of the node throws
 * @internal
 */
export async function startNode(
  path: string | undefined,
  node: HyperCacheNode,
  application: object,
): Promise<void> {
  for (const other of starting) {
    if (path === undefined || other.path !== path || other.application === application) continue;
    starting.delete(other);
    await other.started.catch(() => undefined);
    await other.node.close();
  }
  const one = { path, node, application, started: node.start() };
  starting.add(one);
  try {
    await one.started;
  } catch (error) {
    starting.delete(one);
    throw error;
  }
}

/**
 * Called when the application is complete or ends. From then on, no other application takes over its node.
 *
 * @returns false when another application has already done so
 * @internal
 */
export function leaveStart(node: HyperCacheNode): boolean {
  for (const one of starting) if (one.node === node) return starting.delete(one);
  return false;
}

/** @internal */
export function takenAway(path: string): FileInUseError {
  return new FileInUseError(
    path,
    'in use by another application of this process, which began before this one was complete',
    'Await the start of one before the next, or give each its own sqlitePath.',
  );
}

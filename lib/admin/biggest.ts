import type { Target } from './target.js';
import { pagesOf } from './transfer.js';

/** @internal */
export interface BigEntry {
  readonly namespace: string;
  readonly key: string;
  /** The size of the encoded value. */
  readonly bytes: number;
  readonly ttl: number | null;
}

/** @internal */
export interface NamespaceSize {
  readonly namespace: string;
  readonly entries: number;
  readonly bytes: number;
  readonly averageBytes: number;
}

/**
 * Finds the entries with the largest values, the largest first, and what each namespace holds. It reads all entries.
 *
 * @internal
 */
export async function findBiggest(
  target: Target,
  { namespaces, prefix, top }: { namespaces: readonly string[]; prefix: string; top: number },
  onProgress: (entries: number) => void,
): Promise<{ entries: BigEntry[]; namespaces: NamespaceSize[] }> {
  let biggest: BigEntry[] = [];
  const sizes: NamespaceSize[] = [];
  let seen = 0;
  for (const namespace of namespaces) {
    let entries = 0;
    let bytes = 0;
    for await (const page of pagesOf(target, { namespace, prefix, values: false })) {
      for (const entry of page) bytes += entry.bytes;
      entries += page.length;
      seen += page.length;
      const found = page.map((entry) => ({
        namespace,
        key: entry.key,
        bytes: entry.bytes,
        ttl: entry.ttl,
      }));
      biggest = [...biggest, ...found].toSorted((a, b) => b.bytes - a.bytes).slice(0, top);
      onProgress(seen);
    }
    sizes.push({ namespace, entries, bytes, averageBytes: Math.round(bytes / (entries || 1)) });
  }
  return { entries: biggest, namespaces: sizes };
}

/**
 * Counts how many live entries have each tag, the most frequent first. It reads all entries.
 *
 * @internal
 */
export async function countTags(
  target: Target,
  { namespace, prefix }: { namespace: string | undefined; prefix: string },
  onProgress: (entries: number) => void,
): Promise<{ tag: string; entries: number }[]> {
  const counts = new Map<string, number>();
  let seen = 0;
  for await (const page of pagesOf(target, { namespace, prefix: '', values: false })) {
    for (const { tags } of page) {
      for (const tag of tags) {
        if (tag.startsWith(prefix)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      }
    }
    onProgress((seen += page.length));
  }
  return Array.from(counts, ([tag, entries]) => ({ tag, entries })).toSorted(
    (a, b) => b.entries - a.entries || (a.tag < b.tag ? -1 : 1),
  );
}

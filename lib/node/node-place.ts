import type { ResolvedOptions } from './options.js';

/** The directory of a node's file; undefined where an engine other than SQLite has its entries. @internal */
export function directoryOf({
  engine,
  sqlitePath,
}: Pick<ResolvedOptions, 'engine' | 'sqlitePath'>): string | undefined {
  return engine === undefined ? sqlitePath : undefined;
}

/** The kind of a node, and where its entries are, for a log line. @internal */
export function placeOf({
  engine,
  role,
  sqlitePath,
}: Pick<ResolvedOptions, 'engine' | 'role' | 'sqlitePath'>): string {
  return engine === undefined ? `a ${role}, in ${sqlitePath}` : `one of equals, on ${engine.kind}`;
}

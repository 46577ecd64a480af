import type TypeScript from 'typescript';

/** The compiler of the application itself. @internal */
export type Compiler = typeof TypeScript;

/** A text that replaces another text. @internal */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** @internal */
export function applied(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { from, to, text: by } of edits.toSorted((a, b) => b.from - a.from)) {
    text = text.slice(0, from) + by + text.slice(to);
  }
  return text;
}

/** @internal */
export function parsed(ts: Compiler, path: string, source: string): TypeScript.SourceFile {
  return ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
}

/** All nodes below, in order. @internal */
export function* descendants(ts: Compiler, node: TypeScript.Node): Generator<TypeScript.Node> {
  const children: TypeScript.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) {
    yield child;
    yield* descendants(ts, child);
  }
}

/** The spaces before a node's line. @internal */
export function indentationOf(source: string, position: number): string {
  const line = source.lastIndexOf('\n', position - 1) + 1;
  return /^[ \t]*/.exec(source.slice(line, position))?.[0] ?? '';
}

/** The line ending of the file. @internal */
export function lineEndOf(source: string): string {
  return source.includes('\r\n') ? '\r\n' : '\n';
}

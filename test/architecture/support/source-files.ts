import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The repository's root directory. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** One parsed source file; `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** One import, export-from, `import()` or `require()` of a file; types included. */
export interface ModuleReference {
  readonly specifier: string;
  readonly line: number;
}

/** Parses text as if it stood at `path`. */
export function parse(path: string, text: string): SourceFile {
  return {
    path,
    text,
    tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS),
  };
}

/** All files below `directory` (relative to the root) whose name ends with `extension`, sorted. */
export function filesBelow(directory: string, extension: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

/** Every source of the library, parsed. */
export function librarySources(): SourceFile[] {
  return filesBelow('lib', '.ts').map((path) =>
    parse(path, readFileSync(join(root, path), 'utf8')),
  );
}

/** Visits every node of a file; comments are not nodes. */
export function visit(file: SourceFile, visitor: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visitor(node);
    ts.forEachChild(node, step);
  };
  step(file.tree);
}

/** `path:line`, for messages. */
export function place(file: SourceFile, node: ts.Node): string {
  return `${file.path}:${lineOf(file, node)}`;
}

/** Everything the file refers to, types included. */
export function moduleReferences(file: SourceFile): ModuleReference[] {
  const references: ModuleReference[] = [];
  const add = (specifier: ts.Node | undefined, node: ts.Node): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      references.push({ specifier: specifier.text, line: lineOf(file, node) });
    }
  };
  visit(file, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, node);
    } else if (ts.isExternalModuleReference(node)) {
      add(node.expression, node);
    } else if (ts.isCallExpression(node) && isImportOrRequire(node.expression)) {
      add(node.arguments[0], node);
    }
  });
  return references;
}

/** The root-relative path of the source that a relative specifier names. */
export function resolveRelative(file: SourceFile, specifier: string): string {
  return join(dirname(file.path), specifier).split(sep).join('/').replace(/\.js$/, '.ts');
}

/** The text of a string or template literal, with a space for each placeholder; else undefined. */
export function literalText(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(' ');
  }
  return undefined;
}

function lineOf(file: SourceFile, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

function isImportOrRequire(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  return ts.isPropertyAccessExpression(callee) && callee.getText() === 'require.resolve';
}

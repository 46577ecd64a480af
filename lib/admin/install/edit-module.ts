import type TypeScript from 'typescript';
import {
  applied,
  descendants,
  indentationOf,
  lineEndOf,
  parsed,
  type Compiler,
  type Edit,
} from './edit.js';

/** The result of the edit of the root module. @internal */
export interface ModuleEdit {
  /** Undefined when the place for the change was not found. */
  readonly text: string | undefined;
  /** The remaining steps for the user. */
  readonly notes: readonly string[];
}

const OWN = 'HyperCacheModule';

/**
 * Imports the module into a root module, in place of a `CacheModule` whose options are literal.
 *
 * @param call such as `HyperCacheModule.forRoot()`, without options
 * @internal
 */
export function editModule(ts: Compiler, path: string, source: string, role: string): ModuleEdit {
  const file = parsed(ts, path, source);
  const module = moduleArgument(ts, file);
  if (module === undefined) return { text: undefined, notes: [] };
  if (usesOf(ts, file, OWN).length > 0) return { text: source, notes: [] };
  const imports = arrayNamed(ts, module, 'imports');
  if (imports === 'unreadable') return { text: undefined, notes: [] };
  const notes: string[] = [];
  const edits: Edit[] = [];
  const former = imports?.elements.find((element) => isCacheModule(ts, file, element));
  const ttl = former === undefined ? undefined : literalTtl(ts, former);
  if (former !== undefined && ttl !== undefined) {
    edits.push({ from: former.getStart(file), to: former.end, text: callOf(role, ttl) });
    edits.push(...withoutImport(ts, file, source));
  } else {
    if (former !== undefined) {
      notes.push(
        `${path} imports CacheModule with options that only you know: take it out, and carry them over to HyperCacheModule.forRoot(). See docs/migration.md of nestjs-hypercache.`,
      );
    }
    edits.push(
      imports === undefined
        ? firstProperty(file, source, module, callOf(role, undefined))
        : lastElement(file, source, imports, callOf(role, undefined)),
    );
  }
  edits.push(importEdit(ts, file, source));
  return { text: applied(source, edits), notes };
}

function callOf(role: string, ttl: string | undefined): string {
  const options = [
    ...(role === 'secondary' ? ["role: 'secondary'"] : []),
    ...(ttl === undefined || ttl === '' ? [] : [`ttl: ${ttl}`]),
  ];
  return options.length === 0 ? `${OWN}.forRoot()` : `${OWN}.forRoot({ ${options.join(', ')} })`;
}

/** The argument of `@Module` on the only or last class that has it. */
function moduleArgument(
  ts: Compiler,
  file: TypeScript.SourceFile,
): TypeScript.ObjectLiteralExpression | undefined {
  let found: TypeScript.ObjectLiteralExpression | undefined;
  for (const node of descendants(ts, file)) {
    if (!ts.isDecorator(node) || !ts.isCallExpression(node.expression)) continue;
    const { expression, arguments: given } = node.expression;
    const [first] = given;
    if (!ts.isIdentifier(expression) || expression.text !== 'Module') continue;
    if (first !== undefined && ts.isObjectLiteralExpression(first)) found = first;
  }
  return found;
}

function arrayNamed(
  ts: Compiler,
  object: TypeScript.ObjectLiteralExpression,
  name: string,
): TypeScript.ArrayLiteralExpression | 'unreadable' | undefined {
  const property = object.properties.find((each) => each.name?.getText() === name);
  if (property === undefined) return undefined;
  if (ts.isPropertyAssignment(property) && ts.isArrayLiteralExpression(property.initializer)) {
    return property.initializer;
  }
  return 'unreadable';
}

/** Whether it is `CacheModule` of Nest, with any method. */
function isCacheModule(
  ts: Compiler,
  file: TypeScript.SourceFile,
  element: TypeScript.Node,
): boolean {
  return (
    /^CacheModule\b/.test(element.getText(file)) &&
    importOf(ts, file, '@nestjs/cache-manager') !== undefined
  );
}

/** The ttl of a call with literal options, '' without one; undefined for any other call. */
function literalTtl(ts: Compiler, element: TypeScript.Node): string | undefined {
  if (!ts.isCallExpression(element)) return undefined;
  const [options, ...others] = element.arguments;
  if (others.length > 0 || !element.expression.getText().endsWith('.register')) return undefined;
  if (options === undefined) return '';
  if (!ts.isObjectLiteralExpression(options)) return undefined;
  let ttl = '';
  for (const property of options.properties) {
    if (!ts.isPropertyAssignment(property)) return undefined;
    const name = property.name.getText();
    if (name === 'isGlobal' || name === 'max') continue;
    if (name !== 'ttl' || !/^[\d_ *+]+$/.test(property.initializer.getText())) return undefined;
    ttl = property.initializer.getText();
  }
  return ttl;
}

function importOf(
  ts: Compiler,
  file: TypeScript.SourceFile,
  from: string,
): TypeScript.ImportDeclaration | undefined {
  return file.statements
    .filter(ts.isImportDeclaration)
    .find(
      ({ moduleSpecifier }) => ts.isStringLiteral(moduleSpecifier) && moduleSpecifier.text === from,
    );
}

/** Removes `CacheModule` from its import, unless other code uses it. */
function withoutImport(ts: Compiler, file: TypeScript.SourceFile, source: string): Edit[] {
  const declaration = importOf(ts, file, '@nestjs/cache-manager');
  const bindings = declaration?.importClause?.namedBindings;
  // The import itself, and the call that is removed.
  if (declaration === undefined || usesOf(ts, file, 'CacheModule').length > 2) return [];
  if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
  const others = bindings.elements.filter(({ name }) => name.text !== 'CacheModule');
  if (others.length === 0) {
    const end = source.indexOf('\n', declaration.end);
    return [
      { from: declaration.getStart(file), to: end === -1 ? source.length : end + 1, text: '' },
    ];
  }
  const names = others.map((each) => each.getText(file)).join(', ');
  return [{ from: bindings.getStart(file), to: bindings.end, text: `{ ${names} }` }];
}

function usesOf(ts: Compiler, file: TypeScript.SourceFile, name: string): TypeScript.Node[] {
  return Array.from(descendants(ts, file)).filter(
    (node) => ts.isIdentifier(node) && node.text === name,
  );
}

/** Inserts behind the last import, with the quotes of the first. */
function importEdit(ts: Compiler, file: TypeScript.SourceFile, source: string): Edit {
  const imports = file.statements.filter(ts.isImportDeclaration);
  const quote = imports[0]?.moduleSpecifier.getText(file).charAt(0) ?? "'";
  const line = `import { ${OWN} } from ${quote}nestjs-hypercache${quote};`;
  const at = imports.at(-1)?.end ?? 0;
  const end = lineEndOf(source);
  const text = imports.length === 0 ? `${line}${end}` : `${end}${line}`;
  return { from: at, to: at, text };
}

function firstProperty(
  file: TypeScript.SourceFile,
  source: string,
  object: TypeScript.ObjectLiteralExpression,
  call: string,
): Edit {
  const [first] = object.properties;
  const at = object.getStart(file) + 1;
  if (first === undefined) return { from: at, to: object.end - 1, text: ` imports: [${call}] ` };
  const start = first.getStart(file);
  const isOnOwnLine = source.slice(at, start).includes('\n');
  const gap = isOnOwnLine ? lineEndOf(source) + indentationOf(source, start) : ' ';
  return { from: start, to: start, text: `imports: [${call}],${gap}` };
}

function lastElement(
  file: TypeScript.SourceFile,
  source: string,
  array: TypeScript.ArrayLiteralExpression,
  call: string,
): Edit {
  const last = array.elements.at(-1);
  if (last === undefined) {
    return { from: array.getStart(file) + 1, to: array.end - 1, text: call };
  }
  const start = last.getStart(file);
  const isOnOwnLine = /\n[ \t]*$/.test(source.slice(0, start));
  const gap = isOnOwnLine ? lineEndOf(source) + indentationOf(source, start) : ' ';
  return { from: last.end, to: last.end, text: `,${gap}${call}` };
}

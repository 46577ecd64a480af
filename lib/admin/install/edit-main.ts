import type TypeScript from 'typescript';
import { applied, descendants, indentationOf, lineEndOf, parsed, type Compiler } from './edit.js';

/** The file of the root module, as main.ts imports it; undefined when main.ts does not import it. @internal */
export function rootModuleOf(ts: Compiler, path: string, source: string): string | undefined {
  const file = parsed(ts, path, source);
  const created = creationIn(ts, file)?.arguments[0];
  if (created === undefined || !ts.isIdentifier(created)) return undefined;
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier))
      continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    if (!bindings.elements.some(({ name }) => name.text === created.text)) continue;
    const { text } = statement.moduleSpecifier;
    return text.startsWith('.') ? text.replace(/\.js$/, '') : undefined;
  }
  return undefined;
}

/**
 * Makes signals close the application properly.
 *
 * @returns undefined when the place for the change is not found
 * @internal
 */
export function editMain(ts: Compiler, path: string, source: string): string | undefined {
  if (source.includes('enableShutdownHooks')) return source;
  const file = parsed(ts, path, source);
  const creation = creationIn(ts, file);
  if (creation === undefined) return undefined;
  const declaration = ts.isAwaitExpression(creation.parent)
    ? creation.parent.parent
    : creation.parent;
  if (!ts.isVariableDeclaration(declaration) || !ts.isIdentifier(declaration.name))
    return undefined;
  const statement = declaration.parent.parent;
  if (!ts.isVariableStatement(statement)) return undefined;
  const indentation = indentationOf(source, statement.getStart(file));
  const line = `${lineEndOf(source)}${indentation}${declaration.name.text}.enableShutdownHooks();`;
  return applied(source, [{ from: statement.end, to: statement.end, text: line }]);
}

/** Finds `NestFactory.create(...)`. */
function creationIn(
  ts: Compiler,
  file: TypeScript.SourceFile,
): TypeScript.CallExpression | undefined {
  for (const node of descendants(ts, file)) {
    if (!ts.isCallExpression(node)) continue;
    if (/^NestFactory\.create(<|$)/.test(node.expression.getText(file))) return node;
  }
  return undefined;
}

import ts from 'typescript';
import { place, visit, type SourceFile } from '../support/source-files.js';

const CLOCK_HOME = 'lib/common/clock.ts';
const RANDOM_HOME = 'lib/common/random.ts';

const CLOCK_READS = new Set(['Date.now', 'performance.now', 'process.hrtime']);
const CRYPTO_MODULES = new Set(['crypto', 'node:crypto']);
const RANDOM_NAMES =
  /^(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|pseudoRandomBytes|getRandomValues)$/;

/** Time is read in `clock.ts` only, randomness in `random.ts` only. */
export function timeAndChanceViolations(file: SourceFile): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string, home: string): void => {
    if (file.path !== home) found.push(`${place(file, node)} uses ${what}: only ${home} may`);
  };

  visit(file, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const name = withoutGlobal(node);
      if (CLOCK_READS.has(name)) report(node, name, CLOCK_HOME);
      if (name === 'Math.random' || RANDOM_NAMES.test(node.name.text)) {
        report(node, name, RANDOM_HOME);
      }
    } else if (readsDate(node)) {
      report(node, node.getText(file.tree), CLOCK_HOME);
    } else if (ts.isImportDeclaration(node)) {
      for (const name of importedNames(node)) {
        if (name === 'hrtime') report(node, name, CLOCK_HOME);
        if (isCrypto(node) && RANDOM_NAMES.test(name)) report(node, name, RANDOM_HOME);
      }
    }
  });
  return found;
}

/** `new Date()` or `Date()`; a date made from a given time is no reading. */
function readsDate(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) {
    return isDate(node.expression) && (node.arguments?.length ?? 0) === 0;
  }
  return ts.isCallExpression(node) && isDate(node.expression);
}

function isDate(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && node.text === 'Date';
}

function withoutGlobal(node: ts.PropertyAccessExpression): string {
  return node.getText().replace(/^(globalThis|global)\./, '');
}

function importedNames(node: ts.ImportDeclaration): string[] {
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function isCrypto(node: ts.ImportDeclaration): boolean {
  return ts.isStringLiteral(node.moduleSpecifier) && CRYPTO_MODULES.has(node.moduleSpecifier.text);
}

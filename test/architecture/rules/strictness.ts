import ts from 'typescript';
import { place, visit, type SourceFile } from '../support/source-files.js';

const BARE_ERRORS = new Set(['Error', 'TypeError', 'RangeError']);

/** No `any`, no `!`, no error without a code. */
export function strictnessViolations(file: SourceFile): string[] {
  const found: string[] = [];
  visit(file, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      found.push(`${place(file, node)} says any`);
    } else if (ts.isNonNullExpression(node) || isDefinite(node)) {
      found.push(`${place(file, node)} asserts with !`);
    } else if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      ts.isIdentifier(node.expression) &&
      BARE_ERRORS.has(node.expression.text)
    ) {
      found.push(`${place(file, node)} makes a bare ${node.expression.text}`);
    }
  });
  return found;
}

/** `field!: Type` */
function isDefinite(node: ts.Node): boolean {
  return (
    (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) &&
    node.exclamationToken !== undefined
  );
}

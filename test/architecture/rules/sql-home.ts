import ts from 'typescript';
import { literalText, place, visit, type SourceFile } from '../support/source-files.js';

const HOME = 'lib/sqlite/sql/';

const SQL =
  /\b(SELECT|INSERT (OR [A-Z]+ )?INTO|REPLACE INTO|UPDATE\b.*\bSET|DELETE FROM|(CREATE|ALTER|DROP) [A-Z ]*(TABLE|INDEX|TRIGGER|VIEW)|PRAGMA|BEGIN (IMMEDIATE|DEFERRED|EXCLUSIVE)|VACUUM)\b/s;

/** What better-sqlite3 takes SQL through. */
const SQL_METHODS = new Set(['prepare', 'exec', 'pragma']);

/** SQL text stands only in `lib/sqlite/sql/`. */
export function sqlViolations(file: SourceFile): string[] {
  if (file.path.startsWith(HOME)) return [];
  const found: string[] = [];
  visit(file, (node) => {
    const text = literalText(node);
    if (text === undefined) return;
    if (SQL.test(text) || isSqlArgument(node)) {
      found.push(`${place(file, node)} holds SQL: ${text.trim().slice(0, 60)}`);
    }
  });
  return found;
}

/** `db.pragma('user_version')`, `db.exec('COMMIT')`: SQL without a tell-tale word. */
function isSqlArgument(node: ts.Node): boolean {
  const call = node.parent;
  return (
    ts.isCallExpression(call) &&
    call.arguments[0] === node &&
    ts.isPropertyAccessExpression(call.expression) &&
    SQL_METHODS.has(call.expression.name.text) &&
    !ts.isRegularExpressionLiteral(call.expression.expression)
  );
}

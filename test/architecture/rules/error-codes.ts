import { literalText, visit, type SourceFile } from '../support/source-files.js';
import ts from 'typescript';

const CODE = /\bHC_[A-Z0-9]+(?:_[A-Z0-9]+)*(?![A-Z0-9_*])/g;

/** Every code that stands in a text, comments included. */
export function codesInText(text: string): Set<string> {
  return new Set(text.match(CODE));
}

/** The codes that the code itself uses as values: not those in comments or types. */
export function codesInValues(file: SourceFile): Set<string> {
  const codes = new Set<string>();
  visit(file, (node) => {
    const text = literalText(node);
    if (text === undefined || ts.isLiteralTypeNode(node.parent)) return;
    for (const code of codesInText(text)) codes.add(code);
  });
  return codes;
}

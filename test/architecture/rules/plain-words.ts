import ts from 'typescript';
import { visit, type SourceFile } from '../support/source-files.js';

/** A word that this project does not use, and what to write in its place. */
interface PlainWord {
  /** In lower case; a blank matches any white space, a line break in a comment included. */
  readonly word: string;
  readonly instead: string;
}

const ACTOR = 'name what acts, such as "a caller", "the replica" or "no process"';
const TOLD = 'write "receives", "learns", "is notified" or "reports"';

/** Words for people, or out of date, in comments, messages and documents alike. */
const EVERYWHERE: readonly PlainWord[] = [
  { word: 'somebody', instead: ACTOR },
  { word: 'nobody', instead: ACTOR },
  { word: 'anybody', instead: ACTOR },
  { word: 'whoever', instead: ACTOR },
  { word: 'anew', instead: 'write "again"' },
  { word: 'is told', instead: TOLD },
  { word: 'are told', instead: TOLD },
  { word: 'heard', instead: 'write "received", or "received a sign of life from"' },
];

/** Documents have readers, and may say `who`; code has none. */
const IN_CODE: readonly PlainWord[] = [...EVERYWHERE, { word: 'who', instead: ACTOR }];

/** Phrases in which a word above may stay, in lower case, each with its reason. Keep this short. */
const ALLOWED: readonly string[] = [
  'whoever has the file open', // the text of a migration, which never changes
  'who shares its answers', // people
];

/** Comments, strings and templates of a source file; code in backticks is not text. */
export function plainWordsInSource(file: SourceFile): string[] {
  const pieces = [...comments(file), ...strings(file)];
  return pieces
    .toSorted((a, b) => a.from - b.from)
    .flatMap(({ from, text }) => violations(file.path, file.text, from, text, IN_CODE));
}

/** The prose of a document: no code blocks, and no code in backticks. */
export function plainWordsInDocument(path: string, markdown: string): string[] {
  const prose = markdown.replaceAll(/^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1[ \t]*$/gms, blank);
  return violations(path, markdown, 0, prose, EVERYWHERE);
}

interface Piece {
  /** Where the piece begins in its file. */
  readonly from: number;
  readonly text: string;
}

function violations(
  path: string,
  whole: string,
  from: number,
  text: string,
  words: readonly PlainWord[],
): string[] {
  const prose = withoutAllowed(text.replaceAll(/(`+)(?!`)[^\n]*?[^`\n]\1(?!`)/g, blank));
  return words
    .flatMap(({ word, instead }) =>
      Array.from(prose.matchAll(patternOf(word)), ({ index }) => ({ index, word, instead })),
    )
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, word, instead }) => {
      const line = whole.slice(0, from + index).split('\n').length;
      return `${path}:${line} has the word "${word}": ${instead}`;
    });
}

function withoutAllowed(text: string): string {
  return ALLOWED.reduce((rest, phrase) => rest.replaceAll(patternOf(phrase), blank), text);
}

/** Whole words; a name such as `who-is`, `lease_who` or `:anew` is not the word. */
function patternOf(words: string): RegExp {
  return new RegExp(`(?<![\\w:.$-])${words.replaceAll(' ', String.raw`[\s*/]+`)}(?![\\w-])`, 'gi');
}

/** As many characters on as many lines, all of them blank. */
function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

function strings(file: SourceFile): Piece[] {
  const found: Piece[] = [];
  visit(file, (node) => {
    if (ts.isStringLiteralLike(node) || isTemplatePart(node)) {
      // The text without its quotes: a template's backticks would make it code.
      const from = node.getStart(file.tree) + 1;
      found.push({ from, text: file.text.slice(from, node.end - 1) });
    }
  });
  return found;
}

function isTemplatePart(node: ts.Node): boolean {
  return ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}

/** A comment is before or after a token and is no node, so this looks around each token. */
function comments(file: SourceFile): Piece[] {
  const found = new Map<number, string>();
  const step = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(file.tree);
    for (const child of children) step(child);
    if (children.length > 0) return;
    for (const { pos, end } of [
      ...(ts.getLeadingCommentRanges(file.text, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(file.text, node.end) ?? []),
    ]) {
      found.set(pos, file.text.slice(pos, end));
    }
  };
  step(file.tree);
  return Array.from(found, ([from, text]) => ({ from, text }));
}

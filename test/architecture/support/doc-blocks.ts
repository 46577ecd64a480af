import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from './source-files.js';

/** One fenced code block of a Markdown file. */
export interface DocBlock {
  /** Path and line of the opening fence, for messages. */
  readonly place: string;
  /** What follows the opening fence, for example `ts`. */
  readonly info: string;
  readonly text: string;
}

/** README.md and every Markdown file in docs/, but for the API reference, which is made from the TSDoc. */
export function documents(): string[] {
  const pages = existsSync(join(root, 'docs')) ? filesBelow('docs', '.md') : [];
  return ['README.md', ...pages.filter((path) => !path.startsWith('docs/api/'))];
}

/** The fenced blocks of a document on disk. */
export function blocksOf(path: string): DocBlock[] {
  return blocksIn(path, readFileSync(join(root, path), 'utf8'));
}

/** The fenced blocks of a text; one inside a list loses the list's indentation. */
export function blocksIn(path: string, markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let open: { fence: string; indent: number; info: string; line: number } | undefined;
  let body: string[] = [];

  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const [, indent = '', fence, info = ''] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) open = { fence, indent: indent.length, info, line: index + 1 };
    } else if (fence !== undefined && info === '' && fence.startsWith(open.fence)) {
      blocks.push({ place: `${path}:${open.line}`, info: open.info, text: body.join('\n') });
      open = undefined;
      body = [];
    } else {
      body.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    }
  }
  return blocks;
}

/** A block that claims to be TypeScript, whatever else its info string says. */
export function isTypeScript(block: DocBlock): boolean {
  return /^(ts|typescript|tsx|mts|cts)\b/i.test(block.info);
}

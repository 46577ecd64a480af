/** A value in a template: text is escaped, {@link Html} is not, and `undefined` and `false` leave nothing. @internal */
export type Part = Html | string | number | undefined | false | readonly Part[];

/** Text that is already HTML. @internal */
export class Html {
  constructor(readonly text: string) {}
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template of HTML. Every inserted value is text, in an element or in a quoted attribute, and cannot become markup.
 *
 * @internal
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const [first = '', ...rest] = strings;
  return new Html(rest.reduce((text, string, at) => text + textOf(parts[at]) + string, first));
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(part);
  return part.map(textOf).join('');
}

function escaped(text: string): string {
  // A browser would change a lone surrogate or a NUL; a key may contain both.
  return text
    .toWellFormed()
    .replaceAll('\0', '\u2400')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

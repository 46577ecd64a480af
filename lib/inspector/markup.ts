/** What a template takes: text is escaped, {@link Html} is not, `undefined` and `false` leave nothing. @internal */
export type Part = Html | string | number | undefined | false | readonly Part[];

/** Text that is HTML already. @internal */
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
 * A template of HTML: whatever is put in is text, in an element or in a quoted attribute, and can be no markup.
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
  // A browser would read a lone surrogate or a NUL as something else; a key may hold both.
  return text
    .toWellFormed()
    .replaceAll('\0', '\u2400')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

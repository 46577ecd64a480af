import { InvalidArgumentError } from '../../common/errors.js';

/** The highest index that a placeholder may name is one less. */
const MAX_ARGUMENTS = 32;

const PLACEHOLDER = /\{(\d+)((?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*)\}/gu;

/** Characters that are escaped in any template, because the template's own text uses them. */
const ALWAYS_ESCAPED = ['%', ':', '{', '}'];

interface Placeholder {
  readonly text: string;
  readonly index: number;
  readonly path: readonly string[];
}

/**
 * A text with placeholders for arguments of a method: `{0}`, `{1.id}`.
 *
 * Different arguments never make the same text, except for a number, bigint or boolean and its own text. Between two
 * placeholders there is always a character that is escaped in the values of both.
 *
 * @internal
 */
export class Template {
  readonly #literals: readonly string[];
  readonly #placeholders: readonly Placeholder[];
  readonly #escaped: RegExp;

  /**
   * @param where the option that holds it, for messages
   * @throws {HC_ARGUMENT_INVALID} a brace without a placeholder, an index of 32 or more, adjacent placeholders
   */
  constructor(
    private readonly where: string,
    template: string,
  ) {
    const literals: string[] = [];
    const placeholders: Placeholder[] = [];
    let end = 0;
    for (const { 0: text, 1: index, 2: path = '', index: start } of template.matchAll(
      PLACEHOLDER,
    )) {
      literals.push(template.slice(end, start));
      placeholders.push({ text, index: Number(index), path: path.split('.').slice(1) });
      end = start + text.length;
    }
    literals.push(template.slice(end));
    this.#literals = literals;
    this.#placeholders = placeholders;
    this.#check(template);
    this.#escaped = charactersOf([...ALWAYS_ESCAPED, ...literals.join('')]);
  }

  /** Whether the text is the same for all arguments. */
  get isConstant(): boolean {
    return this.#placeholders.length === 0;
  }

  /** @throws {HC_ARGUMENT_INVALID} a placeholder names no string, number, bigint, boolean or null */
  fill(args: readonly unknown[]): string {
    let text = this.#literals[0] ?? '';
    for (const [i, placeholder] of this.#placeholders.entries()) {
      text += this.#textOf(placeholder, args) + (this.#literals[i + 1] ?? '');
    }
    return text;
  }

  #check(template: string): void {
    const refuse = (problem: string, hint: string): never => {
      throw new InvalidArgumentError(`The ${this.where} '${template}' ${problem}.`, hint);
    };
    if (this.#literals.some((literal) => /[{}]/.test(literal))) {
      refuse('has a brace that is no placeholder', 'Write {0} or {0.id}, or pass a function.');
    }
    const high = this.#placeholders.find(({ index }) => index >= MAX_ARGUMENTS);
    if (high !== undefined) {
      refuse(
        `names argument ${high.index}`,
        `Arguments are counted from 0 to ${MAX_ARGUMENTS - 1}.`,
      );
    }
    // With them, 'ab' and 'c' would make the same text as 'a' and 'bc'.
    if (this.#literals.slice(1, -1).some((literal) => !/[^\p{L}\p{N}_]/u.test(literal))) {
      refuse('has placeholders that run together', "Separate them, as in '{0}:{1}'.");
    }
  }

  #textOf({ text, index, path }: Placeholder, args: readonly unknown[]): string {
    let value = args[index];
    for (const name of path) value = fieldOf(value, name);
    switch (typeof value) {
      case 'string':
        return value.replace(this.#escaped, escaped);
      case 'number':
      case 'bigint':
      case 'boolean':
        return String(value).replace(this.#escaped, escaped);
      default:
        if (value === null) return '%null';
        throw new InvalidArgumentError(
          `${text} in the ${this.where} is ${typeof value === 'object' ? 'an object' : `of type ${typeof value}`}.`,
          'Name a field of it that is a string, number, bigint, boolean or null, or pass a function.',
        );
    }
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return value === undefined || value === null ? undefined : Reflect.get(Object(value), name);
}

/** Letters and digits cannot separate, so they need not be escaped. Half of a surrogate pair is no text. */
function charactersOf(characters: readonly string[]): RegExp {
  const separators = new Set(characters.filter((character) => !/[\p{L}\p{N}_]/u.test(character)));
  const all = Array.from(separators, (character) => character.replace(/[\\\]^-]/g, '\\$&'));
  return new RegExp(`[${all.join('')}]|\\p{Surrogate}`, 'gu');
}

/** Escapes as in a URL. The text for a longer character marks its own end. */
function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16).toUpperCase().padStart(2, '0');
  return code > 0xff ? `%u${digits};` : `%${digits}`;
}

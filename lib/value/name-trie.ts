/** Objects with more fields are tables of data under names that do not come again... */
const MAX_FIELDS = 64;
/** ...and longer names are data too. @internal */
export const MAX_NAME_LENGTH = 64;

/** Then it is to be thrown away. */
const MAX_NODES = 20_000;
/** Pieces of code of one trie. */
const MAX_CODE = 1000;

/** A step on the way from no name to all names of an object; what is known of those that end here. @internal */
export class TrieNode<Code> {
  sightings = 0;
  /** Of the shape. */
  id: number | undefined;
  code: Code | undefined;
  /** Most have one successor: no map to look into. */
  #firstName: string | undefined;
  #first: TrieNode<Code> | undefined;
  #others: Map<string, TrieNode<Code>> | undefined;

  constructor(
    readonly depth: number,
    readonly name: string,
    readonly parent: TrieNode<Code> | undefined,
  ) {}

  next(name: string): TrieNode<Code> | undefined {
    return name === this.#firstName ? this.#first : this.#others?.get(name);
  }

  grow(name: string): TrieNode<Code> {
    const next = new TrieNode<Code>(this.depth + 1, name, this);
    if (this.#first === undefined) {
      this.#firstName = name;
      this.#first = next;
    } else (this.#others ??= new Map()).set(name, next);
    return next;
  }
}

/**
 * Objects by the names of their fields, in their order, and code for those that come often.
 *
 * @internal
 */
export class NameTrie<Code> {
  readonly root = new TrieNode<Code>(0, '', undefined);
  #nodes = 0;
  #compiled = 0;

  get isFull(): boolean {
    return this.#nodes >= MAX_NODES;
  }

  /** One name further; undefined when there are too many, or it is too long. */
  step(node: TrieNode<Code>, name: string): TrieNode<Code> | undefined {
    return node.next(name) ?? this.#grow(node, name);
  }

  /** The code for these names; undefined when there is enough of it. */
  codeFor(node: TrieNode<Code>, compile: (names: readonly string[]) => Code): Code | undefined {
    if (node.code !== undefined || this.#compiled === MAX_CODE) return node.code;
    this.#compiled++;
    node.code = compile(namesUpTo(node));
    return node.code;
  }

  #grow(node: TrieNode<Code>, name: string): TrieNode<Code> | undefined {
    if (node.depth === MAX_FIELDS || name.length > MAX_NAME_LENGTH || this.isFull) return undefined;
    this.#nodes++;
    return node.grow(name);
  }
}

/** @internal */
export function namesUpTo(last: TrieNode<unknown>): string[] {
  const names: string[] = [];
  for (let node: TrieNode<unknown> = last; node.parent !== undefined; node = node.parent)
    names.push(node.name);
  return names.toReversed();
}

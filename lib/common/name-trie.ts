/** Makes an object of its fields. @internal */
export type Maker = (fields: readonly unknown[]) => object;

/** Objects with more fields, or longer names, are tables of data under names that do not come again. */
const MAX_FIELDS = 64;
const MAX_NAME_LENGTH = 64;

/** Then it is to be thrown away. */
const MAX_NODES = 20_000;
/** Pieces of code of one trie. */
const MAX_MAKERS = 1000;

/** A step on the way from no name to all names of an object; what is known of those that end here. @internal */
export class TrieNode {
  sightings = 0;
  /** Of the shape. */
  id: number | undefined;
  make: Maker | undefined;
  /** Most have one successor: no map to look into. */
  #firstName: string | undefined;
  #first: TrieNode | undefined;
  #others: Map<string, TrieNode> | undefined;

  constructor(
    readonly depth: number,
    readonly name: string,
    readonly parent: TrieNode | undefined,
  ) {}

  next(name: string): TrieNode | undefined {
    return name === this.#firstName ? this.#first : this.#others?.get(name);
  }

  grow(name: string): TrieNode {
    const next = new TrieNode(this.depth + 1, name, this);
    if (this.#first === undefined) {
      this.#firstName = name;
      this.#first = next;
    } else (this.#others ??= new Map()).set(name, next);
    return next;
  }
}

/**
 * Objects by the names of their fields, in their order.
 *
 * @internal
 */
export class NameTrie {
  readonly root = new TrieNode(0, '', undefined);
  #nodes = 0;
  #makers = 0;

  get isFull(): boolean {
    return this.#nodes >= MAX_NODES;
  }

  /** One name further; undefined when there are too many, or it is too long. */
  step(node: TrieNode, name: string): TrieNode | undefined {
    return node.next(name) ?? this.#grow(node, name);
  }

  /** Code that makes objects with these names; undefined when there is enough of it. */
  makerFor(node: TrieNode): Maker | undefined {
    if (node.make !== undefined || this.#makers === MAX_MAKERS) return node.make;
    this.#makers++;
    node.make = makerOf(namesUpTo(node));
    return node.make;
  }

  #grow(node: TrieNode, name: string): TrieNode | undefined {
    if (node.depth === MAX_FIELDS || name.length > MAX_NAME_LENGTH || this.isFull) return undefined;
    this.#nodes++;
    return node.grow(name);
  }
}

/** @internal */
export function namesUpTo(last: TrieNode): string[] {
  const names: string[] = [];
  for (let node = last; node.parent !== undefined; node = node.parent) names.push(node.name);
  return names.toReversed();
}

/** Objects made by one literal have one hidden class; making and reading them is faster. @internal */
export function makerOf(names: readonly string[]): Maker {
  const literal = names.map((name, i) => `${JSON.stringify(name)}: fields[${i}]`).join(', ');
  try {
    // oxlint-disable-next-line no-new-func
    return new Function('fields', `return { ${literal} };`) as Maker;
  } catch {
    // Code from strings may be forbidden (--disallow-code-generation-from-strings).
    return (fields) => objectOf(names, fields);
  }
}

/** @internal */
export function objectOf(names: readonly string[], fields: readonly unknown[]): object {
  const object: Record<string, unknown> = {};
  for (const [i, name] of names.entries()) object[name] = fields[i];
  return object;
}

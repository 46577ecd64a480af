import { UnreadableValueError } from './errors.js';

/** A shape as the file keeps it. @internal */
export interface ShapeDefinition {
  /** From 1. */
  readonly id: number;
  /** Of the fields, in their order. */
  readonly names: readonly string[];
}

/** Where shapes are kept. @internal */
export interface ShapeStore {
  load(): readonly ShapeDefinition[];
  /** The id under which the names are kept from now on; undefined when that cannot be done. */
  add(names: readonly string[]): number | undefined;
}

interface Shape extends ShapeDefinition {
  readonly make: (fields: readonly unknown[]) => object;
}

type Fields = Readonly<Record<string, unknown>>;

/** Last item of a list that is one: no shape has this id. */
const LIST = 0;

/** Objects with more fields, or longer names, are tables of data under names that do not come again. */
const MAX_FIELDS = 64;
const MAX_NAME_LENGTH = 64;
/** Objects of the same names until these are kept. */
const SIGHTINGS = 4;
/** Until a shape that could not be kept is tried again. */
const PATIENCE = 1000;
/** Names on their way to become shapes; with more, all are forgotten but those of shapes. */
const MAX_NODES = 20_000;

const { hasOwnProperty: hasOwn } = Object.prototype;

/** A step on the way from no name to all names of an object. */
class TrieNode {
  /** Of the shape that ends here. */
  id: number | undefined;
  sightings = 0;
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
 * Writes small values as JSON without the names of their fields, and reads them again: an object becomes a list of its
 * fields and the id of its shape, which is the names, kept once. A list gets a 0 at its end, so that both can be told
 * apart; an object whose shape is not known stays one.
 *
 * The idea is that of the hidden classes of V8 and the records of msgpackr; that the text is JSON makes V8's own parser
 * do the work.
 *
 * @internal
 */
export class Shapes {
  #root = new TrieNode(0, '', undefined);
  #nodes = 0;
  readonly #known = new Map<number, Shape>();
  #isLoaded = false;

  constructor(private readonly store: ShapeStore) {}

  /** JSON of a value that JSON can hold. */
  encode(value: object): string {
    if (!this.#isLoaded) this.#load();
    return JSON.stringify(this.#fold(value));
  }

  /**
   * The value that was encoded.
   *
   * @throws {HC_VALUE_UNREADABLE | SyntaxError}
   */
  decode(json: string): unknown {
    return this.#unfold(JSON.parse(json));
  }

  /** Everything that is known. */
  definitions(): readonly ShapeDefinition[] {
    return Array.from(this.#known.values(), ({ id, names }) => ({ id, names }));
  }

  /** The store may say otherwise: it is asked again. */
  forget(): void {
    this.#known.clear();
    this.#isLoaded = false;
    this.#forgetSightings();
  }

  #forgetSightings(): void {
    this.#root = new TrieNode(0, '', undefined);
    this.#nodes = 0;
    for (const shape of this.#known.values()) this.#plant(shape);
  }

  #load(): void {
    this.#isLoaded = true;
    for (const shape of this.store.load()) this.#learn(shape);
  }

  #learn({ id, names }: ShapeDefinition): void {
    if (this.#known.has(id)) return;
    this.#known.set(id, { id, names, make: makerOf(names) });
    this.#plant({ id, names });
  }

  #plant({ id, names }: ShapeDefinition): void {
    let node = this.#root;
    for (const name of names) node = node.next(name) ?? node.grow(name);
    node.id ??= id;
  }

  #fold(value: object): unknown {
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const item of value as readonly unknown[]) {
        items.push(typeof item === 'object' && item !== null ? this.#fold(item) : item);
      }
      items.push(LIST);
      return items;
    }
    const fields = value as Fields;
    const folded: unknown[] = [];
    let node: TrieNode | undefined = this.#root;
    for (const name in fields) {
      if (!hasOwn.call(fields, name)) continue;
      const field = fields[name];
      folded.push(typeof field === 'object' && field !== null ? this.#fold(field) : field);
      node = node && (node.next(name) ?? this.#grow(node, name));
    }
    const id = node && (node.id ?? this.#see(node));
    if (id === undefined) return unshaped(fields, folded);
    folded.push(id);
    return folded;
  }

  #grow(node: TrieNode, name: string): TrieNode | undefined {
    if (node.depth === MAX_FIELDS || name.length > MAX_NAME_LENGTH) return undefined;
    if (this.#nodes === MAX_NODES) {
      this.#forgetSightings();
      return undefined;
    }
    this.#nodes++;
    return node.grow(name);
  }

  /** The id, from the time on that the names have come often enough. */
  #see(node: TrieNode): number | undefined {
    if (node.depth === 0 || ++node.sightings < SIGHTINGS) return undefined;
    const names = namesUpTo(node);
    const id = this.store.add(names);
    if (id === undefined) node.sightings = -PATIENCE;
    else this.#learn({ id, names });
    return id;
  }

  #unfold(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.#unfoldFields(value as Record<string, unknown>);
    const items = value as unknown[];
    const id = items.pop();
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === 'object' && item !== null) items[i] = this.#unfold(item);
    }
    if (id === LIST) return items;
    const shape = this.#shape(id);
    if (shape.names.length !== items.length) throw new UnreadableValueError();
    return shape.make(items);
  }

  #unfoldFields(fields: Record<string, unknown>): object {
    for (const name in fields) {
      // It is never written.
      if (name === '__proto__') throw new UnreadableValueError();
      fields[name] = this.#unfold(fields[name]);
    }
    return fields;
  }

  /** Another process on the file may have added it. */
  #shape(id: unknown): Shape {
    if (typeof id !== 'number') throw new UnreadableValueError();
    let shape = this.#known.get(id);
    if (shape !== undefined) return shape;
    this.#load();
    shape = this.#known.get(id);
    if (shape === undefined) throw new UnreadableValueError();
    return shape;
  }
}

function namesUpTo(last: TrieNode): string[] {
  const names: string[] = [];
  for (let node = last; node.parent !== undefined; node = node.parent) names.push(node.name);
  return names.toReversed();
}

function unshaped(fields: Fields, folded: readonly unknown[]): Fields {
  const object: Record<string, unknown> = {};
  let i = 0;
  for (const name in fields) if (hasOwn.call(fields, name)) object[name] = folded[i++];
  return object;
}

/** Objects made by one literal have one hidden class: measured twenty times as fast as field by field. */
function makerOf(names: readonly string[]): Shape['make'] {
  const literal = names.map((name, i) => `${JSON.stringify(name)}: fields[${i}]`).join(', ');
  try {
    // oxlint-disable-next-line no-new-func
    return new Function('fields', `return { ${literal} };`) as Shape['make'];
  } catch {
    // Code from strings may be forbidden (--disallow-code-generation-from-strings).
    return (fields) => Object.fromEntries(names.map((name, i) => [name, fields[i]]));
  }
}

import { UnreadableValueError } from '../common/errors.js';
import { namesUpTo, NameTrie, type TrieNode } from './name-trie.js';
import {
  listerOf,
  makerOf,
  mapFields,
  type Fields,
  type Lister,
  type Maker,
} from './object-code.js';

/** A shape as the file keeps it. @internal */
export interface ShapeDefinition {
  /** From 1. */
  readonly id: number;
  /** Of the fields, in their order. */
  readonly names: readonly string[];
}

/** As it stands in the change log, and travels. @internal */
export function definitionToText({ id, names }: ShapeDefinition): string {
  return JSON.stringify([id, ...names]);
}

/** @internal */
export function definitionFromText(text: string): ShapeDefinition {
  const [id, ...names] = JSON.parse(text) as [number, ...string[]];
  return { id, names };
}

/** Where shapes are kept. @internal */
export interface ShapeStore {
  load(): readonly ShapeDefinition[];
  /** The id under which the names are kept from now on; undefined when that cannot be done. */
  add(names: readonly string[]): number | undefined;
}

interface Shape extends ShapeDefinition {
  /** From the first value on that is read: code for a thousand shapes takes its time. */
  make: Maker | undefined;
}

/** Last item of a list that is one: no shape has this id. */
const LIST = 0;

/** Objects of the same names until these are kept. */
const SIGHTINGS = 4;
/** Until a shape that could not be kept is tried again. */
const PATIENCE = 1000;
/**
 * Names of shapes that have their places from the beginning, which leaves as many for what is new; shapes with more get
 * theirs when they come again.
 */
const MAX_PLANTED = 10_000;

const { hasOwnProperty: hasOwn } = Object.prototype;

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
  #trie = new NameTrie<Lister>();
  #planted = 0;
  readonly #known = new Map<number, Shape>();
  #isLoaded = false;

  constructor(private readonly store: ShapeStore) {}

  /** JSON of a value that JSON can hold. */
  encode(value: object): string {
    if (!this.#isLoaded) this.#load();
    if (this.#trie.isFull) this.#forgetSightings();
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
    this.#trie = new NameTrie();
    this.#planted = 0;
    for (const shape of this.#known.values()) this.#plant(shape);
  }

  #load(): void {
    this.#isLoaded = true;
    for (const shape of this.store.load()) this.#learn(shape);
  }

  #learn({ id, names }: ShapeDefinition): void {
    // That name is never written: in code it would be no field, but the prototype.
    if (this.#known.has(id) || names.includes('__proto__')) return;
    this.#known.set(id, { id, names, make: undefined });
    this.#plant({ id, names });
  }

  #plant({ id, names }: ShapeDefinition): void {
    this.#planted += names.length;
    if (this.#planted > MAX_PLANTED) return;
    let node: TrieNode<Lister> | undefined = this.#trie.root;
    for (const name of names) node = node && this.#trie.step(node, name);
    if (node !== undefined) node.id ??= id;
  }

  readonly #fold = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items: unknown[] = [...(value as readonly unknown[]), LIST];
      for (let i = 0; i < items.length; i++) {
        const item = items[i];
        if (typeof item === 'object' && item !== null) items[i] = this.#fold(item);
      }
      return items;
    }
    return this.#foldFields(value as Fields);
  };

  #foldFields(fields: Fields): unknown {
    let node: TrieNode<Lister> | undefined = this.#trie.root;
    for (const name in fields) {
      if (hasOwn.call(fields, name)) node = node && this.#trie.step(node, name);
    }
    if (node?.code !== undefined) return node.code(fields, this.#fold);
    const id = node && (node.id ?? this.#see(node));
    const list = node && id && this.#trie.codeFor(node, (names) => listerOf(names, id));
    return list ? list(fields, this.#fold) : mapFields(Object.keys(fields), fields, this.#fold);
  }

  /** The id, from the time on that the names have come often enough. */
  #see(node: TrieNode<Lister>): number | undefined {
    if (node.depth === 0 || ++node.sightings < SIGHTINGS) return undefined;
    const names = namesUpTo(node);
    const id = this.store.add(names);
    if (id === undefined) {
      node.sightings = -PATIENCE;
      return undefined;
    }
    this.#learn({ id, names });
    node.id = id;
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
    shape.make ??= makerOf(shape.names);
    return shape.make(items);
  }

  #unfoldFields(fields: Record<string, unknown>): object {
    for (const name in fields) {
      if (!hasOwn.call(fields, name)) continue;
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

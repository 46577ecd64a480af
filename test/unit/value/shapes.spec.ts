import { describe, expect, it, jest } from '@jest/globals';
import type { Shapes } from '../../../lib/value/shapes.js';
import { MemoryShapes } from '../../support/memory-shapes.js';

const product = (id: number) => ({ id, size: { width: 1, height: 2 }, tags: ['a', 0], sold: null });

/** The text of the last of several values of one shape: by then it is known. */
function last(shapes: Shapes, make: (i: number) => object, count = 6): string {
  let text = '';
  for (let i = 0; i < count; i++) text = shapes.encode(make(i));
  return text;
}

describe('Shapes', () => {
  it('leave out the names that have come several times', () => {
    const store = new MemoryShapes();
    const shapes = store.reader();
    expect(shapes.encode(product(1))).toContain('"width"');
    expect(last(shapes, product)).toBe('[5,[1,2,2],["a",0,0],null,1]');
    expect(store.definitions).toEqual([
      { id: 1, names: ['id', 'size', 'tags', 'sold'] },
      { id: 2, names: ['width', 'height'] },
    ]);
  });

  it.each([
    ['an object', product],
    ['a list of objects', (i: number) => [product(i), product(i), [], [product(i)]]],
    ['an empty object', () => ({})],
    ['an empty list', () => []],
    ['lists of ids', () => [[0], [1], [2], [], [[0]]]],
    ['an object in one that has too many fields', (i: number) => ({ ...wide(65), in: product(i) })],
    ['as many fields as a shape may have', () => wide(64)],
    ['names that are numbers', () => ({ b: 1, 10: 2, 9: { 1: 3 } })],
    [
      'names that code would stumble over',
      () => ({ 'a"]': 1, "'\\\n\u2028`${x}": 2, '': 3, if: 4 }),
    ],
    ['names of what all objects have', () => ({ constructor: 1, toString: 2, valueOf: [3] })],
    ['a prototype of none', () => Object.assign(Object.create(null), { a: 1 })],
    [
      'the same names in another order',
      (i: number) => (i % 2 === 0 ? { a: 1, b: 2 } : { b: 2, a: 1 }),
    ],
    [
      'some names of another',
      (i: number) => [{ a: i }, { a: i, b: i }, { a: i, b: i, c: i }, { b: i }],
    ],
  ])('bring back %s, here and in another process', (_what, make: (i: number) => object) => {
    const store = new MemoryShapes();
    const shapes = store.reader();
    for (let i = 0; i < 12; i++) {
      const text = shapes.encode(make(i));
      const expected = JSON.stringify(make(i));
      expect(JSON.stringify(shapes.decode(text))).toBe(expected);
      expect(JSON.stringify(store.reader().decode(text))).toBe(expected);
    }
  });

  it('make plain objects', () => {
    const shapes = new MemoryShapes().reader();
    const made = shapes.decode(last(shapes, product));
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(Object.keys(made as object)).toEqual(['id', 'size', 'tags', 'sold']);
  });

  it('know at once what another process has added', () => {
    const store = new MemoryShapes();
    const early = store.reader();
    early.encode(product(0));
    expect(early.decode(last(store.reader(), product))).toEqual(product(5));
  });

  it('use the id that another process has given', () => {
    const store = new MemoryShapes();
    const [one, other] = [store.reader(), store.reader()];
    for (const shapes of [one, other]) for (let i = 0; i < 3; i++) shapes.encode({ a: i });
    expect(one.encode({ a: 4 })).toBe('[4,1]');
    expect(other.encode({ a: 4 })).toBe('[4,1]');
    expect(store.definitions).toHaveLength(1);
  });

  it('keep the names while no more can be kept, and do not ask each time', () => {
    const store = new MemoryShapes();
    store.isFull = true;
    const shapes = store.reader();
    expect(last(shapes, (i) => ({ a: i }), 100)).toBe('{"a":99}');
    expect(store.asked).toBe(1);
    store.isFull = false;
    expect(last(shapes, (i) => ({ a: i }), 1100)).toBe('[1099,1]');
  });

  it('stay bounded when names are data, and keep what is known', () => {
    const store = new MemoryShapes();
    const shapes = store.reader();
    last(shapes, product);
    for (let i = 0; i < 50_000; i++) shapes.encode({ [`user ${i}`]: 1, i });
    expect(store.definitions).toHaveLength(2);
    expect(shapes.encode(product(7))).toBe('[7,[1,2,2],["a",0,0],null,1]');
  });

  it('find room for what is new, however much is known', () => {
    const store = new MemoryShapes();
    for (let id = 1; id <= 700; id++) store.definitions.push({ id, names: names(id, 40) });
    const shapes = store.reader();
    expect(last(shapes, (i) => ({ a: i }))).toBe('[5,701]');
    const row = Object.fromEntries(names(700, 40).map((name) => [name, 0]));
    expect(JSON.parse(last(shapes, () => row)).at(-1)).toBe(700);
    expect(store.asked).toBe(2);
  });

  it('make code only for what is read', () => {
    const store = new MemoryShapes();
    for (let id = 1; id <= 1000; id++) store.definitions.push({ id, names: names(id, 2) });
    const code = jest.spyOn(globalThis, 'Function');
    const shapes = store.reader();
    for (let i = 0; i < 3; i++) shapes.decode('[1,2,7]');
    expect(code).toHaveBeenCalledTimes(1);
    code.mockRestore();
  });

  it('bring back nothing that objects inherit', () => {
    const shapes = new MemoryShapes().reader();
    const stored = shapes.encode({ a: [{ b: 1 }] });
    const prototype: object = Object.getPrototypeOf({});
    Reflect.set(prototype, 'inherited', () => undefined);
    try {
      const made = shapes.decode(stored) as Record<string, unknown>;
      expect(Object.keys(made)).toEqual(['a']);
      expect(Object.keys(Object([made['a']].flat().at(0)))).toEqual(['b']);
    } finally {
      Reflect.deleteProperty(prototype, 'inherited');
    }
  });

  it('that would change prototypes are not known', () => {
    const store = new MemoryShapes();
    store.definitions.push({ id: 1, names: ['__proto__'] });
    expect(() => store.reader().decode('[{"polluted":1},1]')).toThrow();
  });

  it.each([
    ['an id that nobody knows', '[1,2,77]'],
    ['no id', '[1,2,"x"]'],
    ['an empty list', '[]'],
    ['too few fields', '[1,1]'],
    ['too many fields', '[1,2,3,1]'],
    ['a name that is never written', '{"__proto__":{"polluted":1}}'],
    ['the same inside', '[{"__proto__":1},0]'],
    ['no JSON', '[1,'],
    ['nesting without end', `${'['.repeat(100_000)}0${',0]'.repeat(100_000)}`],
  ])('refuse %s', (_what, text) => {
    const store = new MemoryShapes();
    last(store.reader(), () => ({ a: 1, b: 2 }));
    expect(() => store.reader().decode(text)).toThrow();
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

function wide(fields: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: fields }, (_, i) => [`field ${i}`, i]));
}

/** Of the fields of one shape, which no other one has. */
function names(id: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `field ${id}.${i}`);
}

/** An object whose fields are read by name. @internal */
export type Fields = Readonly<Record<string, unknown>>;

/** Makes an object of its fields, in the order of their names. @internal */
export type Maker = (fields: readonly unknown[]) => object;

type MapField<Rest extends readonly unknown[]> = (field: unknown, ...rest: Rest) => unknown;

/** Makes an object of what `map` gives for each field of another one. @internal */
export type Mapper<A, B> = (object: Fields, map: MapField<[A, B]>, a: A, b: B) => object;

/** Makes a list of what `map` gives for each field of an object. @internal */
export type Lister = (object: Fields, map: MapField<[]>) => unknown[];

/** More would take too much of the stack, in values of a thousand levels. */
const MAX_PARAMETERS = 24;

/*
 * Code for objects of which the names are known: they have one hidden class, and exactly the room that they need. Code
 * from strings may be forbidden (--disallow-code-generation-from-strings).
 */

/** @internal */
export function makerOf(names: readonly string[]): Maker {
  const values = names.map((_, i) => `fields[${i}]`);
  return (
    compileObject<Maker>('fields', names, values) ??
    ((fields) => Object.fromEntries(names.map((name, i) => [name, fields[i]])))
  );
}

/** @internal */
export function mapperOf<A, B>(names: readonly string[]): Mapper<A, B> {
  const fields = names.map((name) => `map(object[${JSON.stringify(name)}], a, b)`);
  return (
    compileObject<Mapper<A, B>>('object, map, a, b', names, fields) ??
    ((object, map, a, b) => mapFields(names, object, map, a, b))
  );
}

/** @param last of the list @internal */
export function listerOf(names: readonly string[], last: number): Lister {
  const items = names.map((name) => `map(object[${JSON.stringify(name)}])`);
  return (
    compile<Lister>(`return (object, map) => [${items.join(', ')}, ${last}];`) ??
    ((object, map) => names.map((name) => map(object[name])).concat(last))
  );
}

/** As a {@link Mapper}, without code of its own. @internal */
export function mapFields<Rest extends readonly unknown[]>(
  names: readonly string[],
  object: Fields,
  map: MapField<Rest>,
  ...rest: Rest
): object {
  const mapped: Record<string, unknown> = {};
  for (const name of names) mapped[name] = map(object[name], ...rest);
  return mapped;
}

/**
 * By a constructor, whose objects V8 begins among the young. Those of a literal it begins among the old once many have
 * grown old, as cached values do: then also those that are replaced at once wait for a full collection, and keep what
 * they refer to.
 */
function compileObject<F>(
  parameters: string,
  names: readonly string[],
  fields: readonly string[],
): F | undefined {
  const keys = names.map((name) => JSON.stringify(name));
  // To assign a name that is inherited may be refused (Object.freeze(Object.prototype)); a literal defines it.
  if (names.length > MAX_PARAMETERS || names.some((name) => name in Object.prototype)) {
    const literal = keys.map((key, i) => `${key}: ${fields[i]}`);
    return compile<F>(`return (${parameters}) => ({ ${literal.join(', ')} });`);
  }
  const values = names.map((_, i) => `v${i}`);
  const assignments = keys.map((key, i) => `this[${key}] = v${i};`);
  // V8's messages name an object by its constructor.
  return compile<F>(`
    function Object(${values.join(', ')}) { ${assignments.join(' ')} }
    Object.prototype = prototype;
    return (${parameters}) => new Object(${fields.join(', ')});
  `);
}

function compile<F>(program: string): F | undefined {
  try {
    // oxlint-disable-next-line no-new-func
    return (new Function('prototype', program) as (prototype: object) => F)(Object.prototype);
  } catch {
    return undefined;
  }
}

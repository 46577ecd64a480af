/** An object whose fields are read by name. @internal */
export type Fields = Readonly<Record<string, unknown>>;

/** Makes an object of its fields, in the order of their names. @internal */
export type Maker = (fields: readonly unknown[]) => object;

type MapField<Rest extends readonly unknown[]> = (field: unknown, ...rest: Rest) => unknown;

/** Makes an object of what `map` gives for each field of another one. @internal */
export type Mapper<A, B> = (object: Fields, map: MapField<[A, B]>, a: A, b: B) => object;

/** Makes a list of what `map` gives for each field of an object. @internal */
export type Lister = (object: Fields, map: MapField<[]>) => unknown[];

/*
 * Code for objects of which the names are known: those that one literal has made have one hidden class, and exactly the
 * room that they need. Code from strings may be forbidden (--disallow-code-generation-from-strings).
 */

/** @internal */
export function makerOf(names: readonly string[]): Maker {
  const literal = names.map((name, i) => `${JSON.stringify(name)}: fields[${i}]`);
  return (
    compile<Maker>(['fields'], `{ ${literal.join(', ')} }`) ??
    ((fields) => Object.fromEntries(names.map((name, i) => [name, fields[i]])))
  );
}

/** @internal */
export function mapperOf<A, B>(names: readonly string[]): Mapper<A, B> {
  const literal = names
    .map((name) => JSON.stringify(name))
    .map((name) => `${name}: map(object[${name}], a, b)`);
  return (
    compile<Mapper<A, B>>(['object', 'map', 'a', 'b'], `{ ${literal.join(', ')} }`) ??
    ((object, map, a, b) => mapFields(names, object, map, a, b))
  );
}

/** @param last of the list @internal */
export function listerOf(names: readonly string[], last: number): Lister {
  const items = names.map((name) => `map(object[${JSON.stringify(name)}])`);
  return (
    compile<Lister>(['object', 'map'], `[${items.join(', ')}, ${last}]`) ??
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

function compile<F>(parameters: readonly string[], result: string): F | undefined {
  try {
    // oxlint-disable-next-line no-new-func
    return new Function(...parameters, `return ${result};`) as F;
  } catch {
    return undefined;
  }
}

const AsyncFunction = (async () => {}).constructor;

/**
 * A measured loop: `call` once for each key in turn, `inFlight` of them at a time.
 *
 * The source is compiled anew for each contender. One loop for all would make the call in it megamorphic,
 * which costs the fastest contenders most, and is not so in an application.
 *
 * @param {object} options
 * @param {string} options.call an expression over `key`, `value` and the names in `scope`
 * @param {object} options.scope what the expression uses
 * @param {readonly unknown[]} options.keys what `key` goes through, again and again
 * @param {readonly object[]} [options.values] what `value` goes through
 * @param {(value: object, n: number) => void} [options.stamp] makes a value differ from all before
 * @param {number} [options.inFlight] 0 for a synchronous call
 * @param {string} [options.finish] a statement that ends the round, inside the measured time
 * @returns {(operations: number) => Promise<void>}
 */
export function loop({ call, scope, keys, values, stamp, inFlight = 1, finish = '' }) {
  const names = Object.keys(scope);
  const next = `
    const key = keys[at % keys.length];
    ${values === undefined ? '' : 'const value = values[at % values.length]; stamp(value, at);'}
    at++;
    sink = ${call};`;
  const body = `
    let at = state.at;
    const end = at + operations;
    let sink;
    ${
      inFlight <= 1
        ? `while (at < end) { ${next} }`
        : `const one = async () => { while (at < end) { ${next} } };
           await Promise.all(Array.from({ length: ${inFlight} }, one));`
    }
    ${finish}
    state.at = end;
    return sink;`;
  const parameters = ['operations', 'state', 'keys', 'values', 'stamp', ...names, body];
  const compiled = new AsyncFunction(...parameters);
  const state = { at: 0 };
  const bound = names.map((name) => scope[name]);
  return (operations) => compiled(operations, state, keys, values, stamp, ...bound);
}

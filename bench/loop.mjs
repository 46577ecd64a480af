const AsyncFunction = (async () => {}).constructor;

/**
 * Runs the given number of operations; `latencies` times each of them by itself, in milliseconds, including the
 * clock's own cost of some 50 ns.
 *
 * @typedef {((operations: number) => Promise<unknown>) & { latencies(operations: number): Promise<Float64Array> }} Loop
 */

/**
 * A measured loop: `call` once for each key in turn, `inFlight` of them at a time.
 *
 * The source is compiled again for each contender. One loop for all would make its call megamorphic. That would cost
 * the fastest contenders most, and it is not so in an application.
 *
 * @param {object} options
 * @param {string} options.call an expression over `key`, `value` and the names in `scope`
 * @param {object} options.scope what the expression uses
 * @param {readonly unknown[]} options.keys the values of `key` in turn, again and again
 * @param {readonly object[]} [options.values] the values of `value` in turn
 * @param {(value: object, n: number) => void} [options.stamp] makes a value differ from all before
 * @param {number} [options.inFlight] 0 for a synchronous call
 * @param {string} [options.finish] a statement that ends the round, inside the measured time
 * @returns {Loop}
 */
export function loop(options) {
  const { scope, keys, values, stamp } = options;
  const names = Object.keys(scope);
  const parameters = ['operations', 'state', 'keys', 'values', 'stamp', 'times', ...names];
  const bound = names.map((name) => scope[name]);
  const state = { at: 0 };
  const compiled = (timed) => {
    const body = new AsyncFunction(...parameters, bodyOf(options, timed));
    return (operations, times) => body(operations, state, keys, values, stamp, times, ...bound);
  };
  const run = compiled(false);
  const runTimed = compiled(true);
  return Object.assign((operations) => run(operations), {
    async latencies(operations) {
      const times = new Float64Array(operations);
      await runTimed(operations, times);
      return times;
    },
  });
}

function bodyOf({ call, values, inFlight = 1, finish = '' }, timed) {
  const next = `
    const key = keys[at % keys.length];
    ${values === undefined ? '' : 'const value = values[at % values.length]; stamp(value, at);'}
    ${timed ? 'const place = at - state.at; const begun = performance.now();' : ''}
    at++;
    sink = ${call};
    ${timed ? 'times[place] = performance.now() - begun;' : ''}`;
  return `
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
}

// What every program needs of the test that has started it.

process.on('disconnect', () => process.exit(1));

/** What the parent passes: the options of the node, and what the program itself needs. */
export const config = JSON.parse(process.argv[2]);

/** Milliseconds on the clock that all processes of the machine share. */
export function monotonicMs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/**
 * Calls methods as the parent asks for them, and answers with what they return or throw. Says that the program is ready.
 *
 * @param targets what has the methods, by name
 * @param close what ends before the process does
 */
export function serveParent(targets, close) {
  process.on('message', async (message) => {
    if (message === 'stop') {
      await close();
      process.exit(0);
    }
    const { id, target, method, args } = message;
    const calledAt = monotonicMs();
    try {
      const receiver = targets[target];
      const value = await receiver[method](...args);
      // An object of the library is of use in this process only.
      const plain = value === receiver ? true : value;
      process.send({ id, value: plain, calledAt, returnedAt: monotonicMs() });
    } catch (error) {
      process.send({ id, error: { code: error.code, message: error.stack } });
    }
  });
  process.send('ready');
}

import { setTimeout as delay } from 'node:timers/promises';

/** Many callers for one missing key; tells what they got, and how often the factory of this process ran. */
export async function wrapMany(cache, key, name, { callers, factoryMs, announces = false }) {
  let calls = 0;
  const factory = async () => {
    calls++;
    if (announces) process.send({ aborted: key, code: 'factory', at: calls });
    await delay(factoryMs);
    return `made by ${name}`;
  };
  const values = await Promise.all(
    Array.from({ length: callers }, () => cache.wrap(key, factory, 600_000)),
  );
  return { calls, values: [...new Set(values)] };
}

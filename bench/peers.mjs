// Peers that the library does not need itself: bench/package.json installs them.

/** @type {Set<string>} */
export const missing = new Set();

/**
 * The module, or `undefined` when it is not installed.
 *
 * @param {string} name
 */
export async function peer(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    missing.add(name);
    return undefined;
  }
}

/** One line about what is left out; empty when nothing is. */
export function missingPeers() {
  if (missing.size === 0) return '';
  const names = Array.from(missing).join(', ');
  return `Not installed, so left out: ${names}. To include: npm install --prefix bench`;
}

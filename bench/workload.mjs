// Keys and values, the same for every contender and in every run.

/** A seeded generator (mulberry32), so that every run draws the same keys. */
export function generator(seed = 1) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The i-th key. */
export function keyAt(i) {
  return `product:${String(i).padStart(8, '0')}`;
}

/** @param {number} count */
export function keysOf(count) {
  return Array.from({ length: count }, (_, i) => keyAt(i));
}

/** The items in random order, as a new array. */
export function shuffled(items, seed = 1) {
  const random = generator(seed);
  const result = Array.from(items);
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** About 150 bytes of JSON, with an object and an array inside. */
export const small = {
  name: '150 B',
  make: (i) => ({
    id: i,
    name: `Oak table, number ${i}`,
    price: 129.5 + (i % 100),
    inStock: i % 3 !== 0,
    size: { width: 80, depth: 120, height: 74 },
    tags: ['wood', 'dining', 'new'],
    version: 1_000_000 + i,
  }),
  /** Changes the value: SQLite writes no page that does not change. */
  stamp: (value, n) => {
    value.version = 1_000_000 + n;
  },
};

const ROWS = 60;

/** About 10 kB of JSON: a page of a list. */
export const large = {
  name: '10 kB',
  make: (i) => ({
    page: i,
    version: 1_000_000 + i,
    rows: Array.from({ length: ROWS }, (_, row) => ({
      id: i * ROWS + row,
      sku: `SKU-${String(i * ROWS + row).padStart(10, '0')}`,
      title: `Oak table, number ${row}, solid, oiled by hand`,
      price: 129.5 + row,
      stock: 1_000_000 + i + row,
      active: row % 7 !== 0,
      updatedAt: '2026-01-15T08:30:00.000Z',
    })),
  }),
  stamp: (value, n) => {
    value.version = 1_000_000 + n;
    for (const row of value.rows) row.stock = 1_000_000 + ((n + row.id) % 1_000_000);
  },
};

/** Values to write in turn, each stamped before it is written. */
export function valuesOf(kind, count = 1024) {
  return Array.from({ length: count }, (_, i) => kind.make(i));
}

/** The skew of the popularity of keys: the share of the n-th is n to the power of -SKEW. */
export const SKEW = 0.99;

const DRAWS = 200_000;
const READS = 0.9;

/** Nine reads to one write, Zipf-distributed. The first keys are the popular ones. */
export function drawsOf(keys) {
  const random = generator(7);
  const sums = new Float64Array(keys.length);
  let sum = 0;
  for (let rank = 1; rank <= keys.length; rank++) sums[rank - 1] = sum += rank ** -SKEW;
  return Array.from({ length: DRAWS }, () => ({
    key: keys[firstAbove(sums, random() * sum)],
    isRead: random() < READS,
  }));
}

function firstAbove(sums, wanted) {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

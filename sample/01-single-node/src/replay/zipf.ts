import { seededRandom } from './seeded-random.js';

/** Requests whose n-th most popular object is asked for in proportion to 1 / n^skew. */
export function zipf(requests: number, objects: number, skew: number, seed = 1): Uint32Array {
  const cumulated = new Float64Array(objects);
  let sum = 0;
  for (let rank = 0; rank < objects; rank++) {
    sum += 1 / (rank + 1) ** skew;
    cumulated[rank] = sum;
  }
  const random = seededRandom(seed);
  return Uint32Array.from({ length: requests }, () => rankAt(cumulated, random() * sum));
}

/** The first rank whose cumulated share is above the point. */
function rankAt(cumulated: Float64Array, point: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulated[middle] ?? 0) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}

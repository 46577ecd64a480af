import { describe, expect, it } from '@jest/globals';
import { chart } from '../../../lib/inspector/chart.js';
import {
  hitRatioOf,
  rateOf,
  SAMPLE_MS,
  SampleHistory,
  type Sample,
} from '../../../lib/inspector/samples.js';

const EMPTY: Sample = {
  at: 0,
  hits: 0,
  l1Hits: 0,
  staleHits: 0,
  misses: 0,
  writes: 0,
  factories: 0,
  factoryErrors: 0,
  queued: 0,
  fileBytes: 0,
  memoryBytes: 0,
  lagMs: 0,
};

describe('SampleHistory', () => {
  it('keeps a quarter of an hour', () => {
    const history = new SampleHistory();

    for (let at = 0; at < 300; at++) history.add({ ...EMPTY, at: at * SAMPLE_MS });

    expect(history.samples).toHaveLength(181);
    expect(history.samples[0]?.at).toBe(119 * SAMPLE_MS);
    expect(history.before(299 * SAMPLE_MS, 4000)?.at).toBe(298 * SAMPLE_MS);
    expect(history.before(0, 0)).toBeUndefined();
  });
});

describe('rateOf', () => {
  it('is the growth of a counter per second', () => {
    expect(rateOf('hits', { ...EMPTY, hits: 10 }, { ...EMPTY, at: 5000, hits: 60 })).toBe(10);
  });

  it('is 0 without an earlier moment', () => {
    expect(rateOf('hits', undefined, { ...EMPTY, hits: 60 })).toBe(0);
    expect(rateOf('hits', EMPTY, { ...EMPTY, hits: 60 })).toBe(0);
  });
});

describe('hitRatioOf', () => {
  it('counts stale values as answered', () => {
    const now = { ...EMPTY, hits: 6, staleHits: 2, misses: 2 };

    expect(hitRatioOf(undefined, now)).toBe(0.8);
    expect(hitRatioOf(now, now)).toBeUndefined();
  });
});

describe('chart', () => {
  const points = [
    [0, 4],
    [450_000, undefined],
    [900_000, 8],
  ] as const;

  it('draws lines with gaps, and tells what they say', () => {
    const { text } = chart({
      title: 'Reads',
      now: 900_000,
      format: (value) => `${value} /s`,
      series: [{ name: 'hits', colour: 2, points }],
    });

    expect(text).toContain('<path class="line c2" d="M0 57.6M320 19.2" />');
    expect(text).toContain(
      'aria-label="Reads in the last 15 minutes. hits: now 8 /s, between 4 /s and 8 /s."',
    );
    // The content security policy allows neither.
    expect(text).not.toMatch(/style=|<script/);
  });
});

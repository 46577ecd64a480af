import { describe, expect, it } from '@jest/globals';
import { jsonText } from '../../../lib/http/json-text.js';

function nested(levels: number): unknown {
  let value: unknown = null;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe('jsonText', () => {
  it('expresses values as deep as the cache accepts them', () => {
    expect(JSON.parse(jsonText(nested(1000)))).toEqual(nested(1000));
  });

  it('refuses what another node has stored deeper than JSON can be written', () => {
    expect(() => jsonText(nested(1_000_000))).toThrow(
      expect.objectContaining({ code: 'HC_VALUE_UNSUPPORTED' }),
    );
  });

  it('writes bigints of 65,536 bits in decimal', () => {
    const long = 2n ** 65_535n;

    expect(jsonText({ long })).toBe(`{"long":"${long}"}`);
  });

  it.each([
    ['one long bigint', 2n ** 8_000_000n],
    ['a long negative bigint', -(2n ** 8_000_000n)],
    ['many bigints of half the length', Array.from({ length: 10 }, () => 2n ** 32_768n)],
  ])('refuses %s, which would hold the event loop', (_, value) => {
    const refused = expect.objectContaining({
      code: 'HC_VALUE_UNSUPPORTED',
      message: expect.stringContaining('65536 bits'),
    });

    expect(() => jsonText(value)).toThrow(refused);
  });
});

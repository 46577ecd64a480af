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
});

import { describe, expect, it } from '@jest/globals';
import { Template } from '../../../lib/nest/decorators/template.js';

const fill = (template: string, ...args: unknown[]): string =>
  new Template('key', template).fill(args);

describe('Template', () => {
  it.each<[string, unknown[], string]>([
    ['news', [], 'news'],
    ['product:{0}', [42], 'product:42'],
    ['{0}:{1}', ['a', 'b'], 'a:b'],
    ['{1.id}/{0}', [true, { id: 7n }], '7/true'],
    ['{0.owner.name}', [{ owner: { name: 'Ann' } }], 'Ann'],
    ['{0}', [null], '%null'],
    ['{0}', ['null'], 'null'],
    ['{0}', [-0], '0'],
    ['100% {0}', ['%'], '100% %25'],
    ['{0}→{1}', ['a→b', 'c'], 'a%u2192;b→c'],
    ['{0}', ['\ud800'], '%uD800;'],
    ['{0}', ['😀'], '😀'],
    ['{31}', Array.from({ length: 32 }, (_, i) => i), '31'],
  ])('%s of %j', (template, args, expected) => {
    expect(fill(template, ...args)).toBe(expected);
  });

  it.each([':', '-', '/', '::', ' - ', '.', '|', ']', '^', '\\', '→', '€!'])(
    'keeps what stands before %j apart from what stands behind it',
    (separator) => {
      const template = `x{0}${separator}{1}y`;
      const all = ['', 'a', separator, `a${separator}`, `${separator}a`, '%', '%3A', '\\'];
      const parts = Array.from(new Set(all));
      const texts = parts.flatMap((a) => parts.map((b) => fill(template, a, b)));

      expect(new Set(texts).size).toBe(parts.length ** 2);
    },
  );

  it.each([
    ['{', 'brace'],
    ['{}', 'brace'],
    ['{id}', 'brace'],
    ['{0.}', 'brace'],
    ['{0} }', 'brace'],
    ['{-1}', 'brace'],
    ['{32}', 'argument 32'],
    ['{0}{1}', 'run together'],
    ['{0}x{1}', 'run together'],
    ['a{0}:{1}_{2}', 'run together'],
  ])('refuses %s', (template, problem) => {
    expect(() => new Template('key', template)).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        message: expect.stringContaining(problem),
      }),
    );
  });

  it.each<[string, unknown[]]>([
    ['{0}', [{}]],
    ['{0}', []],
    ['{0.id}', [{}]],
    ['{0.id.more}', [undefined]],
    ['{0}', [[1]]],
    ['{0}', [new Date()]],
    ['{0}', [Symbol('s')]],
    ['{0.toString}', ['text']],
  ])('refuses what is no primitive: %s of %p', (template, args) => {
    expect(() => fill(template, ...args)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });
});

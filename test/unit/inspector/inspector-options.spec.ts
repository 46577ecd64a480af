import { describe, expect, it } from '@jest/globals';
import { InvalidOptionsError } from '../../../lib/common/errors.js';
import {
  resolveInspectorOptions,
  type HyperCacheInspectorOptions,
} from '../../../lib/inspector/inspector-options.js';

class Guard {
  canActivate(): boolean {
    return true;
  }
}

describe('the options of the inspector', () => {
  it('have defaults that show no value and change nothing', () => {
    const { path, values, actions, listen, redact } = resolveInspectorOptions({ guards: [Guard] });

    expect({ path, values, actions, listen }).toEqual({
      path: '/hypercache',
      values: false,
      actions: false,
      listen: undefined,
    });
    expect(redact('value', { namespace: 'a', key: 'b' })).toBe('value');
  });

  it.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('let it listen on %s', (host) => {
    expect(resolveInspectorOptions({ listen: { port: 0, host } }).listen).toEqual({
      port: 0,
      host,
    });
  });

  type Wrong = readonly [what: string, options: unknown, option: string];
  it.each<Wrong>([
    ['no guard and no port', {}, 'guards, listen'],
    ['nothing', undefined, 'guards, listen'],
    ['a port beside guards', { guards: [Guard], listen: { port: 0 } }, 'guards, listen'],
    ['an empty list of guards', { guards: [] }, 'guards'],
    ['what is no guard', { guards: ['AdminGuard'] }, 'guards'],
    ['all addresses', { listen: { port: 9229, host: '0.0.0.0' } }, 'listen'],
    [
      'a name that only begins so',
      { listen: { port: 1, host: '127.0.0.1.example.com' } },
      'listen',
    ],
    ['no port', { listen: {} }, 'listen'],
    ['a port too large', { listen: { port: 65_536 } }, 'listen'],
    ['a misspelt field', { listen: { port: 1, hots: '::1' } }, 'listen'],
    ['a path without a slash', { guards: [Guard], path: 'hypercache' }, 'path'],
    ['a path with a parameter', { guards: [Guard], path: '/:id' }, 'path'],
    ['a text for a boolean', { guards: [Guard], values: 'false' }, 'values'],
    ['actions that are no boolean', { guards: [Guard], actions: 1 }, 'actions'],
    ['a redactor that cannot be called', { guards: [Guard], redact: true }, 'redact'],
    ['a misspelt name', { guards: [Guard], action: true }, 'action'],
  ])('refuse %s', (_what, options, option) => {
    const resolve = (): unknown => resolveInspectorOptions(options as HyperCacheInspectorOptions);

    expect(resolve).toThrow(InvalidOptionsError);
    expect(resolve).toThrow(`HyperCacheInspectorModule.forRoot({ ${option} }) is `);
  });
});

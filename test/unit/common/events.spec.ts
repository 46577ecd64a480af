import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CacheEvents } from '../../../lib/common/events.js';
import { ClosedError } from '../../../lib/common/errors.js';

const CLEARED = { namespace: 'n', deleted: 1 };

describe('CacheEvents', () => {
  it('tells every listener, in order, until it is taken off', () => {
    const events = new CacheEvents();
    const heard: string[] = [];
    const first = (): number => heard.push('first');
    const second = (): number => heard.push('second');
    events.on('clear', first);
    events.on('clear', second);
    events.emit('clear', CLEARED);
    events.off('clear', first);
    events.emit('clear', CLEARED);
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('takes off one of two that are the same', () => {
    const events = new CacheEvents();
    const heard = jest.fn();
    events.on('clear', heard);
    events.on('clear', heard);
    events.off('clear', heard);
    events.emit('clear', CLEARED);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('tells everybody who was on when it began, even if one takes another off', () => {
    const events = new CacheEvents();
    const heard = jest.fn();
    events.on('clear', () => events.off('clear', heard));
    events.on('clear', heard);
    events.emit('clear', CLEARED);
    events.emit('clear', CLEARED);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('knows whether anybody hears of an event', () => {
    const events = new CacheEvents();
    const { topics } = events;
    const heard = jest.fn();
    expect(topics.hit.hasListeners).toBe(false);
    events.on('hit', heard);
    expect(topics.hit.hasListeners).toBe(true);
    expect(topics.miss.hasListeners).toBe(false);
    events.off('hit', heard);
    expect(topics.hit.hasListeners).toBe(false);
  });

  it('counts a subscriber of the channel as one who hears', () => {
    const { hit } = new CacheEvents().topics;
    const heard = jest.fn();
    subscribe('hypercache:hit', heard);
    expect(hit.hasListeners).toBe(true);
    unsubscribe('hypercache:hit', heard);
    expect(hit.hasListeners).toBe(false);
  });

  it('refuses events that there are not, and listeners that are no functions', () => {
    const events = new CacheEvents();
    const untyped: { on(event: unknown, listener: unknown): void } = events;
    expect(() => untyped.on('hitt', jest.fn())).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        hint: expect.stringContaining('hit, miss'),
      }),
    );
    expect(() => untyped.on('toString', jest.fn())).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
    expect(() => untyped.on('hit', undefined)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
    expect(() => events.off('evicted', jest.fn())).not.toThrow();
  });

  it('does not throw an error that nobody listens to', () => {
    const error = new ClosedError();
    expect(() => new CacheEvents().emit('error', { error, during: 'reading' })).not.toThrow();
  });

  describe('when a listener fails', () => {
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('from the listener');
        },
      ],
      ['rejects', async () => Promise.reject(new Error('from the listener'))],
    ])('goes on, tells the others, and warns once of it: it %s', async (_how, listener) => {
      const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const events = new CacheEvents();
      const heard = jest.fn();
      events.on('clear', listener);
      events.on('clear', heard);
      for (let i = 0; i < 3; i++) expect(() => events.emit('clear', CLEARED)).not.toThrow();
      await nextTurn();

      expect(heard).toHaveBeenCalledTimes(3);
      expect(warnings).toHaveBeenCalledTimes(1);
      expect(warnings.mock.calls[0]?.[0]).toContain('from the listener');
    });
  });
});

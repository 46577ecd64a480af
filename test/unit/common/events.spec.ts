import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
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

  it('does not throw an error that nobody listens to', () => {
    const error = new ClosedError();
    expect(() => new CacheEvents().emit('error', { error, during: 'reading' })).not.toThrow();
  });

  describe('when a listener throws', () => {
    const microtasks: (() => void)[] = [];
    beforeEach(() => {
      microtasks.length = 0;
      jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
        microtasks.push(task);
      });
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it('goes on, tells the others, and lets the exception be an uncaught one', () => {
      const events = new CacheEvents();
      const heard = jest.fn();
      events.on('clear', () => {
        throw new Error('from the listener');
      });
      events.on('clear', heard);
      expect(() => events.emit('clear', CLEARED)).not.toThrow();
      expect(heard).toHaveBeenCalledWith(CLEARED);
      expect(microtasks).toHaveLength(1);
      expect(microtasks[0]).toThrow('from the listener');
    });
  });
});

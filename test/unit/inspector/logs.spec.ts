import { describe, expect, it } from '@jest/globals';
import { CacheEvents } from '../../../lib/common/events.js';
import { InvalidArgumentError } from '../../../lib/common/errors.js';
import { EventLog } from '../../../lib/inspector/event-log.js';
import { FactoryLog } from '../../../lib/inspector/factory-log.js';
import { JobLog } from '../../../lib/inspector/job-log.js';
import { ManualClock } from '../../support/manual-clock.js';

const listenersOf = (events: CacheEvents): string[] =>
  Object.entries(events.topics)
    .filter(([, topic]) => topic.hasListeners)
    .map(([event]) => event);

/** As `HyperCache` has them. */
function eventsOf() {
  const events = new CacheEvents();
  const cache = {
    on: events.on.bind(events),
    off: events.off.bind(events),
  } as unknown as ConstructorParameters<typeof EventLog>[0];
  return { events, cache };
}

describe('EventLog', () => {
  it('listens to reads and writes only while it is watched', () => {
    const { events, cache } = eventsOf();
    const log = new EventLog(cache, new ManualClock());
    log.start();
    const rare = listenersOf(events);

    log.watch(true);
    const watched = listenersOf(events);
    log.watch(false);

    expect(watched).toEqual(expect.arrayContaining(['hit', 'miss', 'stale', 'set', 'del']));
    expect(listenersOf(events)).toEqual(rare);
    expect(rare).not.toContain('hit');
    log.close();
    expect(listenersOf(events)).toEqual([]);
  });

  it('takes 20 of them a second, and counts the others', () => {
    const { events, cache } = eventsOf();
    const clock = new ManualClock();
    const log = new EventLog(cache, clock);
    log.watch(true);

    for (let second = 0; second < 2; second++) {
      for (let time = 0; time < 50; time++) events.emit('miss', { namespace: 'a', key: 'b' });
      clock.advance(1000);
    }

    expect(log.events).toHaveLength(40);
    expect(log.passedOver).toBe(60);
  });

  it('keeps the last 100 of the others, and no message of an error', () => {
    const { events, cache } = eventsOf();
    const log = new EventLog(cache, new ManualClock());
    log.start();

    for (let time = 0; time < 150; time++) events.emit('clear', { namespace: 'a', deleted: time });
    const error = new InvalidArgumentError('swordfish', '');
    events.emit('error', { error, during: 'a test' });

    expect(log.events).toHaveLength(100);
    expect(log.events[0]).toMatchObject({
      event: 'error',
      detail: 'error HC_ARGUMENT_INVALID, during a test',
    });
    expect(log.events[1]).toMatchObject({ namespace: 'a', detail: 'deleted 149' });
  });
});

describe('FactoryLog', () => {
  const ended = { namespace: 'a', reason: 'miss', outcome: 'stored' } as const;

  it('tells the slowest, and those that fail', () => {
    const { events, cache } = eventsOf();
    const log = new FactoryLog(cache);
    log.start();
    events.emit('factory', { ...ended, key: 'fast', ms: 1 });
    events.emit('factory', { ...ended, key: 'slow', ms: 900 });
    const error = new TypeError('no');
    events.emit('factory', { ...ended, key: 'slow', ms: 100, outcome: 'failed', error });
    log.close();
    events.emit('factory', { ...ended, key: 'late', ms: 5000 });

    expect(log.slowest.map(({ key }) => key)).toEqual(['slow', 'fast']);
    expect(log.failing).toEqual([
      {
        namespace: 'a',
        key: 'slow',
        calls: 2,
        failures: 1,
        totalMs: 1000,
        slowestMs: 900,
        lastOutcome: 'failed',
        lastError: 'TypeError',
        lastMessage: 'no',
      },
    ]);
  });

  it('shows 50 of the 1,000 keys that it remembers', () => {
    const { events, cache } = eventsOf();
    const log = new FactoryLog(cache);
    log.start();

    for (let ms = 2000; ms > 0; ms--) events.emit('factory', { ...ended, key: String(ms), ms });

    expect(log.slowest).toHaveLength(50);
    expect(log.slowest[0]?.slowestMs).toBe(1000);
  });
});

describe('JobLog', () => {
  it('counts what became of each name, the last one first', () => {
    const { events, cache } = eventsOf();
    const log = new JobLog(cache, new ManualClock());
    log.start();
    for (let job = 0; job < 300; job++) events.emit('run', { name: `job-${job}`, outcome: 'ok' });
    events.emit('run', { name: 'job-299', outcome: 'skipped' });
    log.close();

    expect(log.records).toHaveLength(200);
    expect(log.records[0]).toMatchObject({
      name: 'job-299',
      lastOutcome: 'skipped',
      counts: { ok: 1, skipped: 1 },
    });
  });
});

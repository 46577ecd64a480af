import { describe, expect, it, jest } from '@jest/globals';
import { StorageBusyError, StorageFullError } from '../../../lib/common/errors.js';
import { CacheEvents } from '../../../lib/common/events.js';
import { IncidentLog } from '../../../lib/common/incident-log.js';
import { silentLogger } from '../../../lib/common/logger.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const events = new CacheEvents();
  const lines: string[] = [];
  const logger = { ...silentLogger, error: (line: string) => void lines.push(line) };
  return { clock, events, lines, log: new IncidentLog(events, logger, clock) };
}

describe('IncidentLog', () => {
  it('counts every incident and makes an event of it', () => {
    const { events, log } = setUp();
    const heard = jest.fn();
    events.on('error', heard);
    const error = new StorageFullError(undefined);
    log.report(error, 'reading');
    log.report(error, 'sweeping');
    expect(log.count).toBe(2);
    expect(heard.mock.calls).toEqual([
      [{ error, during: 'reading' }],
      [{ error, during: 'sweeping' }],
    ]);
  });

  it('knows those of the last minute', () => {
    const { clock, log } = setUp();
    expect(log.recent).toEqual({ lastMinute: 0, lastCode: undefined });
    log.report(new StorageFullError(undefined), 'reading');
    clock.advance(30_000);
    log.report(new StorageBusyError(undefined), 'sweeping');
    expect(log.recent).toEqual({ lastMinute: 2, lastCode: 'HC_STORAGE_BUSY' });
    clock.advance(30_000);
    expect(log.recent).toEqual({ lastMinute: 1, lastCode: 'HC_STORAGE_BUSY' });
    clock.advance(30_000);
    expect(log.recent).toEqual({ lastMinute: 0, lastCode: undefined });
    for (let i = 0; i < 5000; i++) log.report(new StorageBusyError(undefined), 'sweeping');
    expect(log.recent).toEqual({ lastMinute: 1000, lastCode: 'HC_STORAGE_BUSY' });
  });

  it('writes one line for each code in ten seconds, and says how many it left out', () => {
    const { clock, lines, log } = setUp();
    for (let i = 0; i < 1000; i++) log.report(new StorageFullError(undefined), 'reading');
    log.report(new StorageBusyError(undefined), 'sweeping');
    expect(lines).toEqual([
      expect.stringMatching(/^HC_STORAGE_FULL while reading: The disk is full/),
      expect.stringMatching(/^HC_STORAGE_BUSY while sweeping: /),
    ]);
    clock.advance(9_999);
    log.report(new StorageFullError(undefined), 'reading');
    expect(lines).toHaveLength(2);
    clock.advance(1);
    log.report(new StorageFullError(undefined), 'reading');
    expect(lines[2]).toMatch(/\(1000 more since the last line\)$/);
    clock.advance(10_000);
    log.report(new StorageFullError(undefined), 'reading');
    expect(lines[3]).not.toMatch(/more since/);
  });
});

import { describe, expect, it } from '@jest/globals';
import { crc16, keySlot, SLOTS } from '../../../lib/redis/key-slot.js';

describe('crc16', () => {
  it.each([
    ['123456789', 0x31c3],
    ['', 0],
    ['a', 0x7c87],
  ])('of %j', (text, sum) => {
    expect(crc16(text)).toBe(sum);
  });
});

describe('keySlot', () => {
  it.each([
    ['foo', 12_182],
    ['bar', 5061],
    ['123456789', 0x31c3],
  ])('of %s is the one that a server gives it', (key, slot) => {
    expect(keySlot(key)).toBe(slot);
  });

  it('is that of the first text in braces', () => {
    expect(keySlot('{foo}:bar')).toBe(keySlot('foo'));
    expect(keySlot('x{foo}{bar}')).toBe(keySlot('foo'));
    expect(keySlot('{{foo}}')).toBe(keySlot('{foo'));
  });

  it('is that of the whole key without such a text', () => {
    expect(keySlot('{}foo')).toBe(crc16('{}foo') % SLOTS);
    expect(keySlot('foo{')).toBe(crc16('foo{') % SLOTS);
    expect(keySlot('}foo{')).toBe(crc16('}foo{') % SLOTS);
  });

  it('counts the bytes of a text', () => {
    expect(crc16('é')).toBe(crc16(Buffer.from('é').toString()));
    expect(crc16('é')).not.toBe(crc16('e'));
  });
});

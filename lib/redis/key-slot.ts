/** How many slots a cluster divides its keys into. @internal */
export const SLOTS = 16_384;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** CRC16 (XMODEM), by which a cluster assigns its keys. @internal */
export function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0);
  }
  return crc;
}

/** The part of a key that decides on its slot: the text in its first braces, or all of it. @internal */
export function slotTag(key: string): string {
  const from = key.indexOf('{');
  const to = from < 0 ? -1 : key.indexOf('}', from + 1);
  return to > from + 1 ? key.slice(from + 1, to) : key;
}

/** The slot of a key. @internal */
export function keySlot(key: string): number {
  return crc16(slotTag(key)) % SLOTS;
}

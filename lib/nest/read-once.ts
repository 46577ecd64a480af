import { StreamableFile } from '@nestjs/common';
import { isObservable } from 'rxjs';

/** Whether a value can be read only once, or piece by piece. A copy of it would be empty or incomplete. @internal */
export function isReadOnce(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (
    isObservable(value) ||
    value instanceof StreamableFile ||
    value instanceof Response ||
    Symbol.asyncIterator in value ||
    ('pipe' in value && typeof value.pipe === 'function') ||
    ('getReader' in value && typeof value.getReader === 'function')
  );
}

import { jsonText } from '../http/json-text.js';
import { fromPortable, type PortableValue } from '../value/portable-value.js';

/**
 * Writes a value as JSON text, as the HTTP API shows it. A value that JSON cannot hold gets the nearest form. Undefined when it
 * cannot be read.
 *
 * @internal
 */
export function shownValue(content: PortableValue | undefined): string | undefined {
  if (content === undefined || 'unreadable' in content) return undefined;
  return jsonText(fromPortable(content));
}

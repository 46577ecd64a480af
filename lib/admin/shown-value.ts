import { jsonText } from '../http/json-text.js';
import { fromPortable, type PortableValue } from '../value/portable-value.js';

/**
 * A value as text of JSON, as the HTTP API shows it: what JSON cannot hold comes out in the nearest form. Undefined when it cannot be read.
 *
 * @internal
 */
export function shownValue(content: PortableValue | undefined): string | undefined {
  if (content === undefined || 'unreadable' in content) return undefined;
  return jsonText(fromPortable(content));
}

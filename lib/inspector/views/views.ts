import { cluster } from './cluster.js';
import { events } from './events.js';
import { factories } from './factories.js';
import { jobs } from './jobs.js';
import { keys } from './keys.js';
import { locks } from './locks.js';
import { namespaces } from './namespaces.js';
import { overview } from './overview.js';
import { tags } from './tags.js';
import type { View } from './view.js';

/** All views, in the order of the menu. @internal */
export const VIEWS: readonly View[] = [
  overview,
  namespaces,
  keys,
  tags,
  locks,
  cluster,
  factories,
  jobs,
  events,
];

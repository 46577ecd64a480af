import type { InspectorContext } from '../inspector-context.js';
import type { Html } from '../markup.js';
import type { Links } from '../links.js';

/** The request for a page. @internal */
export interface ViewRequest {
  readonly query: URLSearchParams;
  readonly links: Links;
}

/** One page of the inspector. @internal */
export interface View {
  /** The part of the page's path; '' for the first page. */
  readonly path: string;
  readonly title: string;
  /**
   * Whether it is rendered again every 2 seconds while a page shows it. Each part that changes must then be an element with an
   * id and the attribute `data-live`.
   */
  readonly isLive: boolean;
  render(context: InspectorContext, request: ViewRequest): Html | Promise<Html>;
  /** Called when the first page begins to follow the view, and when the last one has left. */
  onWatched?(context: InspectorContext, isWatched: boolean): void;
}

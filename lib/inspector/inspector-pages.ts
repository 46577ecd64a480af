import type { IncomingMessage, ServerResponse } from 'node:http';
import { HyperCacheError } from '../index.js';
import { actions } from './actions.js';
import { send, type Answer } from './answer.js';
import { assets, type Asset } from './assets/assets.js';
import { markup, type Html } from './markup.js';
import type { InspectorContext } from './inspector-context.js';
import { Links } from './links.js';
import type { LiveStreams } from './live-streams.js';
import { renderPage } from './page.js';
import { ACTION_HEADER, hasToken, isOfSameOrigin } from './same-origin.js';
import type { View } from './views/view.js';
import { VIEWS } from './views/views.js';

const HTML = 'text/html; charset=utf-8';
const TEXT = 'text/plain; charset=utf-8';

/** @internal */
export interface InspectorPagesParts {
  readonly context: InspectorContext;
  readonly streams: LiveStreams;
  /** A random token of this process, which each action carries. */
  readonly token: string;
  /** Called with an error whose details the reader does not see. */
  readonly onFailure: (error: unknown) => void;
}

/** A request whose path is valid. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The segments of the path below that of the inspector. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly links: Links;
}

/** Answers the requests that the guards or the port have let pass. @internal */
export class InspectorPages {
  constructor(private readonly parts: InspectorPagesParts) {}

  /**
   * Never rejects.
   *
   * @param depth how many segments the path has below that of the inspector
   */
  async answer(request: IncomingMessage, response: ServerResponse, depth: number): Promise<void> {
    try {
      await this.#answer(callOf(request, response, depth));
    } catch (error) {
      this.parts.onFailure(error);
      send(response, textAnswer(500, 'The inspector has failed; the log of the node says why.'));
    }
  }

  async #answer(call: Call): Promise<void> {
    const { request, response, segments } = call;
    const [first = '', second = ''] = segments;
    if (request.method === 'POST') return send(response, await this.#act(request, second, call));
    if (segments.length === 2) return send(response, assetAnswer(assets.get(second)));
    if (first === 'stream') return this.#stream(call);
    send(response, await this.#page(viewOf(first), call));
  }

  async #page(view: View | undefined, { query, links }: Call): Promise<Answer> {
    if (view === undefined) return textAnswer(404, 'There is no such page.');
    const { context, token } = this.parts;
    const { status, content } = await this.#render(view, { query, links });
    const body = renderPage({
      view,
      views: VIEWS,
      content,
      links,
      role: context.cache.health().role,
      token: context.options.actions ? token : undefined,
    });
    return { status, type: HTML, body };
  }

  /** An error that the reader can fix is shown on the page. */
  async #render(
    view: View,
    { query, links }: Pick<Call, 'query' | 'links'>,
  ): Promise<{ status: number; content: Html }> {
    try {
      return { status: 200, content: await view.render(this.parts.context, { query, links }) };
    } catch (error) {
      const { status, text } = this.#failure(error);
      return { status, content: markup`<p class="trouble">${text}</p>` };
    }
  }

  #stream({ request, response, query, links }: Call): void {
    const view = viewOf(query.get('view') ?? '');
    if (view === undefined || !view.isLive || request.method !== 'GET') {
      return send(response, textAnswer(404, 'There is no such stream.'));
    }
    const render = async (): Promise<string> => {
      const { status, content } = await this.#render(view, { query: new URLSearchParams(), links });
      const [event, text] =
        status === 200 ? ['view', content.text] : ['trouble', 'the node has failed to answer'];
      return `event: ${event}\ndata: ${JSON.stringify(text)}\n\n`;
    };
    const followed = { view, group: `${view.path} ${links.base}`, render };
    if (this.parts.streams.add(response, followed)) return;
    send(response, textAnswer(503, 'Too many pages are open.'));
  }

  async #act(request: IncomingMessage, name: string, { query }: Call): Promise<Answer> {
    const { context, token } = this.parts;
    const action = actions.get(name);
    if (!context.options.actions || action === undefined) {
      return textAnswer(404, 'There is no such action.');
    }
    if (!isOfSameOrigin(request) || !hasToken(request, token)) {
      return textAnswer(403, 'The page belongs to an earlier process: reload it.');
    }
    try {
      return textAnswer(200, await action(context, query));
    } catch (error) {
      const { status, text } = this.#failure(error);
      return textAnswer(status, text);
    }
  }

  #failure(error: unknown): { status: number; text: string } {
    if (error instanceof HyperCacheError) return { status: 503, text: error.message };
    this.parts.onFailure(error);
    return { status: 500, text: 'The inspector has failed; the log of the node says why.' };
  }
}

function callOf(request: IncomingMessage, response: ServerResponse, depth: number): Call {
  const url = request.url ?? '/';
  const [path = ''] = url.split('?', 1);
  const all = path.split('/').filter((segment) => segment !== '');
  const segments = depth === 0 ? [] : all.slice(-depth);
  const query = new URLSearchParams(url.slice(path.length));
  return { request, response, segments, query, links: Links.from(path, depth) };
}

function viewOf(path: string): View | undefined {
  return VIEWS.find((view) => view.path === path);
}

function assetAnswer(asset: Asset | undefined): Answer {
  if (asset === undefined) return textAnswer(404, 'There is no such file.');
  const headers = { 'cache-control': 'private, max-age=31536000, immutable' };
  return { status: 200, type: asset.type, body: asset.content, headers };
}

/** The header distinguishes our answer from one of the host. */
function textAnswer(status: number, body: string): Answer {
  return { status, type: TEXT, body, headers: { [ACTION_HEADER]: 'answer' } };
}

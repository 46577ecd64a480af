import { icon, script, style } from './assets/assets.js';
import { markup, type Html } from './markup.js';
import type { Links } from './links.js';
import type { View } from './views/view.js';

/** @internal */
export interface Page {
  readonly view: Pick<View, 'path' | 'title' | 'isLive'>;
  readonly views: readonly Page['view'][];
  readonly content: Html;
  readonly links: Links;
  readonly role: string;
  /** The token of actions; undefined where there are none. */
  readonly token: string | undefined;
}

/** Renders a whole document. @internal */
export function renderPage({ view, views, content, links, role, token }: Page): string {
  const asset = (name: string): string => links.to(`assets/${name}`);
  const stream = view.isLive && markup`data-stream="${links.to('stream', { view: view.path })}"`;
  const acting =
    token !== undefined && markup`data-actions="${links.to('actions/')}" data-token="${token}"`;
  const link = ({ path, title }: Page['view']): Html => {
    const current = path === view.path && markup`aria-current="page"`;
    return markup`<li><a href="${links.to(path)}" ${current}>${title}</a></li>`;
  };
  return markup`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <title>${view.title} · HyperCache</title>
  <link rel="icon" href="${asset(icon.name)}" />
  <link rel="stylesheet" href="${asset(style.name)}" />
  <script src="${asset(script.name)}" defer></script>
</head>
<body ${stream} ${acting}>
  <a class="skip" href="#view">To the content</a>
  <header>
    <div class="bar">
      <span class="brand"><img src="${asset(icon.name)}" alt="" width="22" height="22" />HyperCache</span>
      <span class="badge plain">${role}</span>
      <div class="state">
        <span id="state" ${!view.isLive && markup`hidden`}><span class="dot"></span><span id="state-text" role="status">not live</span></span>
        <button id="pause" type="button" aria-pressed="false" hidden>Pause</button>
      </div>
    </div>
    <nav aria-label="Views"><ul>${views.map(link)}</ul></nav>
  </header>
  <main>
    <h1>${view.title}</h1>
    <p id="message" role="status" tabindex="-1"></p>
    <div id="view">${content}</div>
  </main>
</body>
</html>
`.text;
}

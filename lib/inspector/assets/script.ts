/**
 * The script that runs in the browser. It follows the view that the page shows, replaces text that has changed, and sends
 * actions. Its only markup is what the server has rendered and escaped.
 *
 * @internal
 */
export const SCRIPT = `'use strict';
(() => {
  const { stream, actions, token } = document.body.dataset;
  const state = document.getElementById('state');
  const text = document.getElementById('state-text');
  const pause = document.getElementById('pause');
  const message = document.getElementById('message');
  let source;
  let isPaused = false;

  function show(kind, words) {
    state.className = kind;
    if (text.textContent !== words) text.textContent = words;
  }

  // Nothing moves where the focus is, or where text is selected.
  function isInUse(element) {
    if (element.contains(document.activeElement)) return true;
    const selection = document.getSelection();
    return !selection.isCollapsed && selection.containsNode(element, true);
  }

  function update(markup) {
    const page = new DOMParser().parseFromString(markup, 'text/html');
    for (const now of page.querySelectorAll('[data-live]')) {
      const shown = document.getElementById(now.id);
      if (shown === null || shown.innerHTML === now.innerHTML || isInUse(shown)) continue;
      const left = shown.querySelector('.scroll');
      const at = left === null ? 0 : left.scrollLeft;
      shown.replaceChildren(...document.importNode(now, true).childNodes);
      const right = shown.querySelector('.scroll');
      if (right !== null) right.scrollLeft = at;
    }
  }

  function close() {
    if (source !== undefined) source.close();
    source = undefined;
  }

  function follow() {
    close();
    if (stream === undefined) return;
    if (isPaused || document.hidden) return show('', 'paused');
    source = new EventSource(stream);
    source.addEventListener('open', () => show('on', 'live'));
    source.addEventListener('view', ({ data }) => {
      show('on', 'live');
      update(JSON.parse(data));
    });
    source.addEventListener('trouble', ({ data }) => show('off', JSON.parse(data)));
    source.addEventListener('error', () => {
      const isOver = source !== undefined && source.readyState === EventSource.CLOSED;
      show('off', isOver ? 'not live: reload the page' : 'the connection is lost');
    });
  }

  async function reload() {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    document.getElementById('view').replaceWith(document.importNode(page.getElementById('view'), true));
  }

  async function act(button) {
    if (!confirm(button.dataset.question)) return;
    button.disabled = true;
    try {
      const answer = await fetch(actions + button.dataset.action, {
        method: 'POST',
        headers: { 'x-hypercache-inspector': token },
      });
      message.textContent = answer.headers.get('x-hypercache-inspector') === null
        ? 'The application has refused it: ' + answer.status
        : await answer.text();
      await reload();
    } catch {
      message.textContent = 'The node does not answer.';
    }
    button.disabled = false;
    message.focus();
  }

  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-action]');
    if (button !== null) act(button);
  });
  document.addEventListener('visibilitychange', follow);
  if (stream !== undefined) {
    pause.hidden = false;
    pause.addEventListener('click', () => {
      isPaused = !isPaused;
      pause.setAttribute('aria-pressed', String(isPaused));
      follow();
    });
  }
  follow();
})();
`;

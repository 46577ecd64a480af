import { markup, type Html, type Part } from '../markup.js';

/** One number with its name. @internal */
export interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note?: string | undefined;
  readonly tone?: 'good' | 'bad' | 'warn' | undefined;
}

/** @internal */
export function tiles(list: readonly Tile[]): Html {
  return markup`<dl class="tiles">
    ${list.map(
      ({ name, value, note, tone }) =>
        markup`<div class="tile ${tone}">
          <dt>${name}</dt>
          <dd>${value}</dd>
          ${note !== undefined && markup`<dd class="note">${note}</dd>`}
        </div>`,
    )}
  </dl>`;
}

/** The heading of a column. Columns of numbers are aligned to the right. @internal */
export type Column = string | { readonly number: string };

/** @internal */
export interface Table {
  /** The content of the table, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column[];
  /** Cells in the order of the columns; the first is the row's heading. */
  readonly rows: readonly (readonly Part[])[];
  /** The text that appears when there are no rows. */
  readonly empty: string;
}

/** @internal */
export function table({ caption, columns, rows, empty }: Table): Html {
  if (rows.length === 0) return markup`<p class="empty">${empty}</p>`;
  const kinds = columns.map((column) => (typeof column === 'string' ? '' : 'number'));
  // A wide table scrolls. It can take the focus, so that keys scroll it as well.
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(
            (column, at) =>
              markup`<th scope="col" class="${kinds[at]}">
                ${typeof column === 'string' ? column : column.number}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            markup`<tr>
              ${cells.map((cell, at) =>
                at === 0
                  ? markup`<th scope="row" class="${kinds[at]}">${cell}</th>`
                  : markup`<td class="${kinds[at]}">${cell}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A part of a page with a heading. A part with an id is kept up to date. @internal */
export function section(title: string, content: Part, live?: string): Html {
  return live === undefined
    ? markup`<section>
        <h2>${title}</h2>
        ${content}
      </section>`
    : markup`<section>
        <h2>${title}</h2>
        <div id="${live}" data-live>${content}</div>
      </section>`;
}

/** A word in a colored frame. @internal */
export function badge(text: string, tone: 'good' | 'bad' | 'warn' | 'plain' = 'plain'): Html {
  return markup`<span class="badge ${tone}">${text}</span>`;
}

/** A button that asks for confirmation before it acts; see the script. @internal */
export function actionButton(
  label: string,
  action: string,
  question: string,
  query: Readonly<Record<string, string>>,
): Html {
  const url = `${action}?${new URLSearchParams(query)}`;
  return markup`<button type="button" class="danger" data-action="${url}" data-question="${question}">
    ${label}
  </button>`;
}

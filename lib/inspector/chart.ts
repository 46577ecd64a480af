import { markup, Html } from './markup.js';
import { HISTORY_MS } from './samples.js';

const WIDTH = 320;
const HEIGHT = 96;
const GRID_LINES = 2;

/** @internal */
export interface Series {
  readonly name: string;
  /** Which of the four colors of the style sheet. */
  readonly colour: 1 | 2 | 3 | 4;
  /** Undefined where the value is unknown. */
  readonly points: readonly (readonly [at: number, value: number | undefined])[];
}

/** @internal */
export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  /** The end of the 15 minutes of the plot, in ms of the points' clock. */
  readonly now: number;
  /** The value at the upper edge. Defaults to the highest point. */
  readonly most?: number;
  readonly format: (value: number) => string;
}

/** A plot of the last 15 minutes, as SVG without a style or a script. @internal */
export function chart({ title, series, now, most, format }: Chart): Html {
  const top = most ?? roundUp(Math.max(...series.flatMap(valuesOf), 0));
  return markup`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      <span class="legend">${series.map((one) => legend(one, format))}</span>
    </figcaption>
    <div class="plot">
      <svg
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${summary(title, series, format)}"
      >
        ${gridLines()} ${series.map((one) => line(one, now, top))}
      </svg>
      <span class="top" aria-hidden="true">${format(top)}</span>
    </div>
    <div class="axis" aria-hidden="true"><span>15 min ago</span><span>now</span></div>
  </figure>`;
}

function legend(one: Series, format: Chart['format']): Html {
  const last = valuesOf(one).at(-1);
  const now = last === undefined ? '–' : format(last);
  return markup`<span class="series c${one.colour}">${one.name} <b>${now}</b></span>`;
}

/** The description of the plot for screen readers. */
function summary(title: string, series: readonly Series[], format: Chart['format']): string {
  const told = series.map((one) => {
    const values = valuesOf(one);
    const last = values.at(-1);
    if (last === undefined) return `${one.name}: nothing yet`;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return `${one.name}: now ${format(last)}, between ${format(least)} and ${format(most)}`;
  });
  return `${title} in the last 15 minutes. ${told.join('. ')}.`;
}

function gridLines(): Html[] {
  return Array.from({ length: GRID_LINES + 1 }, (_, at) => {
    const y = round((at * HEIGHT) / GRID_LINES);
    return markup`<line class="grid" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}" />`;
  });
}

/** One path, with a gap where a value is unknown. */
function line({ points, colour }: Series, now: number, top: number): Html {
  let path = '';
  let isDrawing = false;
  for (const [at, value] of points) {
    const x = WIDTH * (1 - (now - at) / HISTORY_MS);
    if (value === undefined || x < 0) {
      isDrawing = false;
      continue;
    }
    const y = HEIGHT * (1 - (top === 0 ? 0 : Math.min(value / top, 1)));
    path += `${isDrawing ? 'L' : 'M'}${round(x)} ${round(y)}`;
    isDrawing = true;
  }
  return markup`<path class="line c${colour}" d="${path}" />`;
}

function valuesOf({ points }: Series): number[] {
  return points.flatMap(([, value]) => (value === undefined ? [] : [value]));
}

/** Rounds up to 1, 2 or 5 times a power of ten, so that the edge stays in place while the values move. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

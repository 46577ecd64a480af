import { speedText } from './summary.mjs';

const COLORS = ['#c2410c', '#64748b', '#0f766e', '#b91c1c', '#7c3aed'];
const LEFT = 190;
const WIDTH = 860;
const RIGHT = 70;
const TOP = 64;
const BAR = 11;
const GAP = 10;

/**
 * The table of speeds as bars on a logarithmic scale.
 *
 * @param {ReturnType<typeof import('./summary.mjs').summaryOf>} summary
 */
export function chartOf({ machine, speeds: { columns, rows } }) {
  const measured = rows
    .map(({ label, speeds }) => ({
      label,
      bars: speeds
        .map((speed, column) => ({ speed, column }))
        .filter(({ speed }) => speed !== undefined),
    }))
    .filter(({ bars }) => bars.length > 0);
  const all = measured.flatMap(({ bars }) => bars.map(({ speed }) => speed));
  const low = Math.floor(Math.log10(Math.min(...all, 1e6)));
  const high = Math.ceil(Math.log10(Math.max(...all, 10 ** (low + 1))));
  const x = (speed) => LEFT + ((Math.log10(speed) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const parts = [];
  let y = TOP;
  for (const { label, bars } of measured) {
    const height = bars.length * BAR;
    parts.push(text(LEFT - 8, y + height / 2 + 4, label, 'end'));
    for (const { speed, column } of bars) {
      const end = x(speed);
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${(end - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${COLORS[column]}"/>`,
        text((end + 4).toFixed(1), y + BAR - 3, speedText(speed), 'start', 10),
      );
      y += BAR;
    }
    y += GAP;
  }
  const height = y + 24;
  const powers = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const grid = powers.map(
    (power) =>
      `<line x1="${x(power)}" x2="${x(power)}" y1="${TOP - 6}" y2="${y}" stroke="#e2e8f0"/>` +
      text(
        x(power),
        y + 14,
        speedText(power).replace('.00', '').replace(/\.0 /, ' '),
        'middle',
        10,
      ),
  );
  let legendX = 12;
  const legend = columns.map((name, column) => {
    const item =
      `<rect x="${legendX}" y="34" width="10" height="10" fill="${COLORS[column]}"/>` +
      text(legendX + 15, 43, name, 'start');
    legendX += 32 + name.length * 6.1;
    return item;
  });
  const title = `Operations a second, ${machine?.date.slice(0, 10) ?? ''}, ${machine?.cpu ?? ''} (logarithmic)`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 20, title, 'start', 13),
    ...legend,
    ...grid,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function text(x, y, content, anchor, size = 11) {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="#0f172a">${escaped}</text>`;
}

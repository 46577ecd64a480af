/** Prints columns: the first to the left, the others to the right. */
export function printTable(head, rows) {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]),
    );
    console.log(`    ${cells.join('   ').trimEnd()}`);
  }
  console.log();
}

/** Three significant digits, and no exponent. */
export function significant(figure) {
  if (!Number.isFinite(figure)) return String(figure);
  const digits = figure === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure))));
  return figure.toFixed(Math.min(digits, 6));
}

/** The text as a pattern of the server that matches only itself. @internal */
export function globEscaped(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`);
}

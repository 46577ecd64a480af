/** Escapes a text, so that it matches only itself as a pattern of the server. @internal */
export function globEscaped(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`);
}

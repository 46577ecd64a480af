/** Whether an address is that of a server of an engine. @internal */
export function isServerUrl(url: string): boolean {
  return /^rediss?:/.test(url);
}

/**
 * An argument can be read by other users of the machine, so the password may come from the environment.
 *
 * @param known the url in the environment, which is taken if it names the same server
 * @internal
 */
export function withPassword(url: string, known = ''): string {
  if (!URL.canParse(url) || !URL.canParse(known)) return url;
  const [given, full] = [new URL(url), new URL(known)];
  const isSame = given.protocol === full.protocol && given.host === full.host;
  return isSame && given.password === '' ? known : url;
}

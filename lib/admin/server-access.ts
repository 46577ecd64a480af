/** Whether an address is that of an engine's server. @internal */
export function isServerUrl(url: string): boolean {
  return /^rediss?:/.test(url);
}

/**
 * Adds the password from the environment to an address. Other users of the machine can read an argument.
 *
 * @param known the url in the environment, which is used if it names the same server
 * @internal
 */
export function withPassword(url: string, known = ''): string {
  if (!URL.canParse(url) || !URL.canParse(known)) return url;
  const [given, full] = [new URL(url), new URL(known)];
  const isSame = given.protocol === full.protocol && given.host === full.host;
  return isSame && given.password === '' ? known : url;
}

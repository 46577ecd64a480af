import { createHash } from 'node:crypto';

/** A script as the server knows it. @internal */
export interface Script {
  readonly name: string;
  readonly text: string;
  /** The hash by which the server finds the script. */
  readonly sha: string;
}

/** What a script may do while the server's memory is full. Only a script that frees memory, or that waiters need, may run. */
export interface ScriptFlags {
  readonly allowsOom?: boolean;
}

/**
 * A script whose keys share one slot. With `#!lua`, a full server refuses it before its first effect.
 *
 * @internal
 */
export function defineScript(name: string, body: string, { allowsOom }: ScriptFlags = {}): Script {
  const text = `#!lua${allowsOom === true ? ' flags=allow-oom' : ''}\n${body.trim()}\n`;
  return { name, text, sha: createHash('sha1').update(text).digest('hex') };
}

import { createHash } from 'node:crypto';

/** A script as the server knows it. @internal */
export interface Script {
  readonly name: string;
  readonly text: string;
  /** By which the server is asked to run it. */
  readonly sha: string;
}

/** What a script may do on a server whose memory is full: only what frees memory, or what others wait for. */
export interface ScriptFlags {
  readonly allowsOom?: boolean;
}

/**
 * A script of one slot. With `#!lua` a full server refuses it before its first effect.
 *
 * @internal
 */
export function defineScript(name: string, body: string, { allowsOom }: ScriptFlags = {}): Script {
  const text = `#!lua${allowsOom === true ? ' flags=allow-oom' : ''}\n${body.trim()}\n`;
  return { name, text, sha: createHash('sha1').update(text).digest('hex') };
}

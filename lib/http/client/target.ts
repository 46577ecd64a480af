import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Below the 5 s after which a Node server closes an idle connection: one that it closes as we send is a lost request. */
const IDLE_MS = 4000;

/** Where requests go, with all that is alike in them. @internal */
export interface Target {
  readonly request: typeof httpRequest;
  readonly agent: HttpAgent;
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: string;
  /** Credentials for a proxy in front, as they stood in the URL. */
  readonly auth: string | undefined;
  /** Before the paths of the endpoints. */
  readonly basePath: string;
  /** For messages: without credentials. */
  readonly url: string;
}

/**
 * @param primaryUrl an http or https URL; a global prefix of the primary's application belongs to it, and the path of the
 * API may stand at its end
 * @param path of the API, from its first slash
 * @internal
 */
export function targetOf(primaryUrl: string, path: string): Target {
  const { protocol, hostname, port, pathname, origin, username, password } = new URL(primaryUrl);
  const isTls = protocol === 'https:';
  const agentOptions = { keepAlive: true, timeout: IDLE_MS, noDelay: true };
  const given = pathname.replace(/\/+$/, '');
  const basePath = given.endsWith(path) ? given : given + path;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    request: isTls ? httpsRequest : httpRequest,
    agent: isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions),
    isTls,
    // Node wants an IPv6 address without the brackets of the URL.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    auth: username === '' ? undefined : credentials,
    basePath,
    url: origin + basePath,
  };
}

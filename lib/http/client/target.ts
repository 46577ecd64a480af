import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/**
 * Less than the 5 s after which a Node server closes an idle connection. A connection that closes while we send loses the
 * request.
 */
const IDLE_MS = 4000;

/** The destination of requests, with everything that they have in common. @internal */
export interface Target {
  readonly request: typeof httpRequest;
  readonly agent: HttpAgent;
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: string;
  /** Credentials for a proxy in front, taken from the URL. */
  readonly auth: string | undefined;
  /** The common beginning of the paths of the endpoints. */
  readonly basePath: string;
  /** The URL without credentials, for messages. */
  readonly url: string;
}

/**
 * @param primaryUrl an http or https URL. It includes a global prefix of the primary's application, and may end with the path
 * of the API.
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
    // Node expects an IPv6 address without the brackets of the URL.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    auth: username === '' ? undefined : credentials,
    basePath,
    url: origin + basePath,
  };
}

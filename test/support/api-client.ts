/** A token that no rule of the options refuses. */
export const TOKEN = 'e2e-8f1c0d5b7a94e26313f0bd28c7aa51f9';
/** Another one. */
export const OTHER_TOKEN = 'e2e-27b09c4e6d5183faa02f94be61d7c835';

/** What the API answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, when it is JSON. */
  readonly body: unknown;
}

/** How a test speaks to the API. */
export interface ApiClient {
  (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
}

/**
 * @param base where the API stands, without a slash at the end
 * @param token sent with every request, unless null
 */
export function apiClient(base: string, token: string | null = TOKEN): ApiClient {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { 'x-hypercache-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: asBody(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
  };
}

function asBody(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body);
}

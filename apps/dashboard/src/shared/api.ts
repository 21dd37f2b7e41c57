// Asks the broker from a page of its own: JSON in, JSON out, and a refusal with the code, the title and the hint of the
// problem document.

export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly hint: string,
    readonly detail: string | null,
  ) {
    super(detail ?? title);
  }
}

/** Called when an answer says that nobody is signed in any more. */
let sessionEnded: () => void = () => undefined;
/** What goes with every request that changes something. */
let changeHeaders: Readonly<Record<string, string>> = {};

export function whenSessionEnds(listener: () => void): void {
  sessionEnded = listener;
}

export function sendWithChanges(headers: Readonly<Record<string, string>>): void {
  changeHeaders = headers;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, { method: 'GET', ...(signal !== undefined && { signal }) });
}

/** Under a key of its own: a click that comes twice does one thing. */
export function change<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T> {
  return ask<T>(path, {
    method,
    headers: {
      ...changeHeaders,
      'idempotency-key': crypto.randomUUID(),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** throws Refused; of a broker that does not answer, with the code `unreachable` */
async function ask<T>(path: string, request: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...request });
  } catch (error) {
    if (request.signal?.aborted === true) throw error;
    throw new Refused(0, 'unreachable', 'The broker does not answer', 'It is asked again by itself.', null);
  }
  if (answer.ok) return (await answer.json()) as T;
  const refused = await refusalFrom(answer);
  if (answer.status === 401 && path !== SIGN_IN_PATH) sessionEnded();
  throw refused;
}

export const SIGN_IN_PATH = '/v1/admin/session';

async function refusalFrom(answer: Response): Promise<Refused> {
  const isProblem = answer.headers.get('content-type')?.includes('json') === true;
  const problem = (isProblem ? await answer.json() : {}) as Partial<Record<string, unknown>>;
  const text = (name: string, otherwise: string): string =>
    typeof problem[name] === 'string' ? problem[name] : otherwise;
  const title = text('title', `The broker answered ${answer.status}`);
  const detail = text('detail', '');
  return new Refused(answer.status, text('code', 'unknown'), title, text('hint', ''), detail === '' ? null : detail);
}

/** `/v1/admin/peers?state=active`: without what is empty. */
export function pathWith(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, `${value}`]))}`;
}

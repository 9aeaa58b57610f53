/** What the tests of identity share: a registry in its own process, and somebody who has signed in to it. @module */
import { startProgram, type RunningProgram } from './fixtures.ts';

export const PASSWORD = 'four random words here';

export interface Somebody {
  readonly token: string;
  readonly call: RunningProgram['call'];
}

export function setupSecretOf({ greeting }: RunningProgram): string {
  return /\/_dashboard\/setup\?secret=(\S+)/.exec(greeting)![1]!;
}

export function withToken({ call }: RunningProgram, token: string): Somebody {
  return {
    token,
    call: (method, path, body, headers) => call(method, path, body, { authorization: `Bearer ${token}`, ...headers }),
  };
}

/** A registry whose first administrator is `ann`. */
export async function startWithAdmin(
  ...args: Parameters<typeof startProgram>
): Promise<{ registry: RunningProgram; ann: Somebody }> {
  const registry = await startProgram(...args);
  const setup = { secret: setupSecretOf(registry), user: 'ann', password: PASSWORD };
  const { status, body } = await registry.call('POST', '/api/v1/setup', setup);
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { registry, ann: withToken(registry, body.token) };
}

/** A new user, signed in. */
export async function makeUser(registry: RunningProgram, ann: Somebody, name: string): Promise<Somebody> {
  const made = await ann.call('POST', '/api/v1/users', { name, password: PASSWORD });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const { body } = await registry.call('POST', '/api/v1/login', { user: name, password: PASSWORD });
  return withToken(registry, body.token);
}

/** Posts a form as a browser on a page of ours does, unless `headers` say otherwise. */
export async function postForm(
  url: string,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = { origin: url },
): Promise<{ status: number; headers: Headers; text: string; cookie: string | null }> {
  const body = new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const init = { method: 'POST', body, headers: { ...type, ...headers }, redirect: 'manual' } as const;
  const answer = await fetch(url + path, init);
  const [cookie = null] = answer.headers.getSetCookie().map((line) => /^[^;]+/.exec(line)![0]);
  return { status: answer.status, headers: answer.headers, text: await answer.text(), cookie };
}

/** The cookie of somebody who signed in on the page. */
export async function cookieOf(url: string, user: string): Promise<string> {
  const { cookie, text } = await postForm(url, '/_dashboard/login', { user, password: PASSWORD, returnTo: '' });
  if (cookie === null) throw new Error(text);
  return cookie;
}

export async function headOf({ call }: Pick<Somebody, 'call'>): Promise<number> {
  return (await call('GET', 'status')).body.journal.head.seq;
}

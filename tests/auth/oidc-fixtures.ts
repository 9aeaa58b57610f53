/**
 * What the tests of signing in share: a real provider, and a browser without a window that goes through its pages.
 * @module
 */
import { join } from 'node:path';
import { readUntil } from '../registry/fixtures.ts';

export const REDIRECT_URI = 'http://127.0.0.1:9/-/sign-in/callback';

export interface RunningProvider {
  readonly issuer: string;
  /** Changes the next ID token; null leaves a claim out. */
  lie(claims: Record<string, unknown>, key?: 'own' | 'another' | 'none' | 'secret'): Promise<void>;
  stop(): Promise<void>;
}

export async function startProvider(redirectUri = REDIRECT_URI): Promise<RunningProvider> {
  const script = join(import.meta.dirname, 'oidc-provider-process.ts');
  const child = Bun.spawn([process.execPath, script, redirectUri], { stdout: 'pipe', stderr: 'pipe' });
  const said = await readUntil(child.stdout, /http:\S+\n/);
  const issuer = /^http:\S+$/m.exec(said)?.[0];
  if (issuer === undefined) throw new Error(`the provider did not start: ${await new Response(child.stderr).text()}`);
  return {
    issuer,
    lie: async (claims, key = 'own') => {
      const query = new URLSearchParams({ claims: JSON.stringify(claims), key });
      await (await fetch(`${issuer}/lie?${query}`)).text();
    },
    stop: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** Goes from page to page until the provider sends the browser back to us: that address. `null` declines to sign in. */
export async function signInAs(login: string | null, start: string, redirectUri = REDIRECT_URI): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | null = null;
  for (let page = 0; page < 20; page++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form === null ? {} : { method: 'POST', body: form }),
    });
    keepCookies(cookies, answer.headers.getSetCookie());
    const text = await answer.text();
    const next = answer.headers.get('location');
    form = null;
    if (next?.startsWith(redirectUri)) return next;
    if (next !== null) url = new URL(next, url).href;
    else ({ url, form } = submitted(text, login, url));
  }
  throw new Error('the provider never came to an end');
}

function submitted(text: string, login: string | null, at: string): { url: string; form: URLSearchParams | null } {
  if (login === null) return { url: new URL(`${new URL(at).pathname}/abort`, at).href, form: null };
  const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
  const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1];
  if (action === undefined || prompt === undefined)
    throw new Error(`the provider shows no form: ${text.slice(0, 500)}`);
  const form = new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'any' } : { prompt });
  return { url: new URL(action, at).href, form };
}

function keepCookies(cookies: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    if (value === '') cookies.delete(name!);
    else cookies.set(name!, value!);
  }
}

/** What can go wrong on the way to another server and back, in the same words everywhere. @module */
import { ConfigError } from '../errors/errors.ts';

const HINTS = {
  connect: 'Check that the server runs, and that nothing stands between.',
  timeout: 'Try again later; the server, or the way there, is too slow.',
  tls: 'Check the certificate of the server, and that this machine trusts who signed it.',
  proxy: 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and the proxy itself.',
  size: 'Ask for less, or raise the limit of whoever asks.',
  redirect: 'Ask for the address that it is redirected to.',
  private: 'Nothing that another server names leads into a network of ours; ask the address itself if it is meant.',
  broken: 'Try again; the server broke off its answer.',
} as const;

export type UpstreamFault = keyof typeof HINTS;

/** The URL is told without credentials and query, which may hold secrets. */
export function upstreamError(
  url: URL,
  fault: UpstreamFault,
  what: string,
  cause?: unknown,
): ConfigError<'ERR_UPSTREAM'> {
  const address = `${url.origin}${url.pathname}`.slice(0, 200);
  return new ConfigError('ERR_UPSTREAM', {
    message: `${address} cannot be asked: ${what}`,
    hint: HINTS[fault],
    details: { url: address, fault },
    cause,
  });
}

/** What `fetch` threw. */
export function faultOf(error: unknown): UpstreamFault {
  const { code = '', name = '' } = error as { code?: unknown; name?: unknown };
  const text = `${String(code)} ${String(name)}`;
  if (/PROXY|TUNNEL/i.test(text)) return 'proxy';
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/i.test(text)) return 'tls';
  if (/REFUSED|UNREACH|ConnectionRefused|FailedToOpenSocket|ENOTFOUND/i.test(text)) return 'connect';
  return 'broken';
}

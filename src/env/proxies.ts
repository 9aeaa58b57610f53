/** The proxies for outgoing requests, as every command line tool takes them from the environment. @module */
import { ConfigError } from '../errors/errors.ts';
import { processVariables, type Variables } from './env.ts';

export interface ProxySettings {
  /** For https and for http URLs: the proxy's URL, with its credentials; null: none. */
  readonly https: string | null;
  readonly http: string | null;
  /** Hosts that are reached without one: `example.com`, `.example.com`, `10.0.0.0/8`, `host:port`, `*`. */
  readonly without: readonly string[];
}

/**
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY; a name in small letters comes first. Throws ERR_SETTING for what is no http or
 * https proxy.
 */
export function readProxies(variables: Variables = processVariables()): ProxySettings {
  const [, list] = either(variables, 'NO_PROXY');
  return {
    https: proxyOf(variables, 'HTTPS_PROXY'),
    http: proxyOf(variables, 'HTTP_PROXY'),
    without: list.split(/[\s,]+/).filter((host) => host !== ''),
  };
}

function proxyOf(variables: Variables, name: string): string | null {
  const [variable, text] = either(variables, name);
  if (text === '') return null;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url.href;
  throw new ConfigError('ERR_SETTING', {
    message: `${variable} is not the URL of an http or https proxy`,
    hint: `Set ${variable} to a URL such as http://proxy.example:3128, or leave it out.`,
    // What it holds may be a password.
    details: { setting: variable, value: '' },
  });
}

function either(variables: Variables, name: string): [variable: string, text: string] {
  const small = variables[name.toLowerCase()];
  return small ? [name.toLowerCase(), small.trim()] : [name, variables[name]?.trim() ?? ''];
}

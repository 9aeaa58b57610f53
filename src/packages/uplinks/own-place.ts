/**
 * What an uplink's own place is: below its address. Credentials are shown there alone, and what comes from elsewhere is
 * not believed before it was verified. Asks nobody.
 * @module
 */

/** To some servers, a way up in spite of how it is written. */
const WAY_UP = /(?:^|[/\\])\.\.(?:[/\\;]|$)/;

/** @example isBelow('https://packages.example/npm', new URL('https://packages.example/admin')) // false */
export function isBelow(uplink: string, { origin, pathname }: URL): boolean {
  const own = new URL(uplink);
  const prefix = own.pathname.replace(/\/*$/, '/');
  if (origin !== own.origin || !pathname.startsWith(prefix)) return false;
  return !WAY_UP.test(decoded(pathname));
}

/** What cannot be decoded is taken for the worst that it could be. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '..';
  }
}

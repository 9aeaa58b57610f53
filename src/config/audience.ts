/**
 * Who is told: whoever may read all of a config, or pages, which are told of nothing that is not visible to clients.
 * One word for everything that answers or streams.
 * @module
 */

/** Pages hold a token that anybody can find in them. */
export type Audience = 'all' | 'browser';

/** @example audienceOf(principal) */
export function audienceOf({ isBrowser }: { readonly isBrowser?: boolean | undefined }): Audience {
  return isBrowser === true ? 'browser' : 'all';
}

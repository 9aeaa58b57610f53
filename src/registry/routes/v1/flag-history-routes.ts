/** What a rich flag was, who changed it and why: its entries in the journal. @module */
import { flagStream } from '../../../config/streams.ts';
import { storedFlag } from '../../../flags/flag-input.ts';
import { ConfigError } from '../../../errors/errors.ts';
import type { Entry } from '../../../journal/journal.ts';
import { valueIn } from '../../../journal/resources.ts';
import type { FlagServices } from '../../flag-list.ts';
import { LIMIT, NUMBER_CURSOR } from '../../parse.ts';
import { route, type Route } from '../../route.ts';
import { FLAG_TAG, ONE_FLAG } from './flag-routes.ts';
import { FLAG_HISTORY } from './flag-schemas.ts';

export function v1FlagHistoryRoutes({ operations: { store } }: FlagServices): readonly Route[] {
  const history = route({
    method: 'get',
    path: '/api/v1/configs/:name/flags/:key/history',
    tag: FLAG_TAG,
    summary: 'Changes of a rich flag, newest first; also of one that was deleted',
    access: ({ params: { name, key } }) => [{ action: 'read', stream: flagStream(name, key) }],
    params: ONE_FLAG,
    query: { limit: LIMIT, cursor: NUMBER_CURSOR },
    answers: { 200: { description: 'One page', schema: FLAG_HISTORY } },
    errors: ['ERR_NOT_FOUND', 'ERR_FLAG_INVALID'],
    handle: async ({ c, params: { name, key }, query: { limit, cursor } }) => {
      const stream = flagStream(name, key);
      const bounds = cursor === undefined ? {} : { before: cursor };
      const page = await store.journal.read({ ...bounds, stream, limit, order: 'desc' });
      if (page.entries.length === 0 && cursor === undefined) throw neverThere(name, key);
      return c.json({ entries: page.entries.map(changeView), cursor: page.cursor === null ? null : `${page.cursor}` });
    },
  });
  return [history];
}

/** `flag` is null of a deletion, and of an entry whose content was erased. */
function changeView(entry: Entry) {
  const { revision, seq, at, actor, reason, type } = entry;
  const stored = valueIn(entry);
  const kind = type === 'flag.put' ? 'put' : 'delete';
  return { revision, seq, timestamp: at, actor, reason, kind, flag: stored === null ? null : storedFlag(stored) };
}

function neverThere(config: string, key: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There has never been a flag '${key}' in ${config}`,
    hint: 'List the flags of the config to see what there is.',
    details: { what: `flag ${config}/${key}` },
  });
}

/**
 * What those call an operation who make functions of the description: `listConfigs`, `updateConfigFeature`,
 * `rollbackConfig`. Made of method and path alone, so that a new route has a good name by itself; one whose path has no
 * words says its name.
 * @module
 */

type Shown = { readonly method: string; readonly path: string; readonly operationId?: string };

const VERBS: Readonly<Record<string, string>> = { get: 'get', put: 'put', patch: 'update', delete: 'delete' };
/** Paths that end in a thing where others end in what is done. */
const ACTIONS: Readonly<Record<string, string>> = { template: 'applyTemplateTo', secret: 'renewSecretOf' };

/**
 * Unique among the operations of `routes`. A path with another below it that ends in a parameter is a list.
 * @example operationIdOf({ method: 'get', path: '/api/v1/configs' }, routes) // 'listConfigs'
 */
export function operationIdOf({ method, path, operationId }: Shown, routes: readonly Shown[]): string {
  if (operationId !== undefined) return operationId;
  const parts = path
    .replace(/^\/(api\/v1|-)\//, '')
    .split('/')
    .filter((part) => part !== '');
  const last = parts.at(-1) ?? '';
  const isKnown = (start: string, by?: string): boolean =>
    routes.some(
      (route) => route.path.startsWith(start) && (by === undefined || (route.method === by && route.path === path)),
    );
  if (method === 'get') return `${isKnown(`${path}/:`) ? 'list' : 'get'}${nounOf(parts)}`;
  if (method !== 'post') return `${VERBS[method] ?? method}${nounOf(parts)}`;
  if (isKnown(path, 'get')) return `create${nounOf([...parts, ':'])}`;
  const action = ACTIONS[last] ?? lowerFirst(words(last));
  return `${action}${nounOf(parts.slice(0, -1))}`;
}

/** `configs/:name/features` as `ConfigFeatures`: what a parameter follows is one of them. */
function nounOf(parts: readonly string[]): string {
  return parts
    .filter((part) => !part.startsWith(':'))
    .map((part) => words(parts[parts.indexOf(part) + 1]?.startsWith(':') === true ? part.replace(/s$/, '') : part))
    .join('');
}

/** `alert-rules` as `AlertRules`. */
function words(part: string): string {
  return part
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

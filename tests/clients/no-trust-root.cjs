/**
 * Loaded into `npm audit signatures` before it starts: it would ask Sigstore's servers for the keys of other registries
 * first, and no test reaches the world outside. After that it asks the registry itself, as it does when they know none.
 */
const { join } = require('node:path');

const id = require.resolve('@sigstore/tuf', { paths: [join(__dirname, '../../node_modules/npm')] });
const real = require(id);
const knowsNone = async () => {
  throw Object.assign(new Error('no such target'), { code: 'TUF_FIND_TARGET_ERROR' });
};
require.cache[id].exports = { ...real, initTUF: async () => ({ getTarget: knowsNone }) };

/** Names of operations as others will type them. @module */
import { expect, it } from 'vitest';
import { operationIdOf } from '../../src/registry/operation-id.ts';

const ROUTES = `get /api/v1/configs: listConfigs
post /api/v1/configs: createConfig
get /api/v1/configs/:name: getConfig
patch /api/v1/configs/:name: updateConfig
delete /api/v1/configs/:name: deleteConfig
post /api/v1/configs/bulk: bulkConfigs
post /api/v1/configs/:name/rollback: rollbackConfig
post /api/v1/configs/:name/template: applyTemplateToConfig
get /api/v1/configs/:name/features: listConfigFeatures
put /api/v1/configs/:name/features: putConfigFeatures
patch /api/v1/configs/:name/features/:feature: updateConfigFeature
get /api/v1/configs/:name/features/:feature: getConfigFeature
get /api/v1/configs/:name/history: getConfigHistory
get /api/v1/services/:service/features: getServiceFeatures
get /api/v1/alert-rules: listAlertRules
put /api/v1/alert-rules/:name: putAlertRule
get /api/v1/alert-rules/:name: getAlertRule
post /api/v1/webhooks/:name/secret: renewSecretOfWebhook
post /api/v1/users/:name/sign-out: signOutUser
post /api/v1/keys/rotate: rotateKeys
post /api/v1/login: login
get /-/ping: getPing
get /health/ready: getHealthReady
get /.well-known/jwks.json: getWellKnownJwksJson`
  .split('\n')
  .map((line) => line.split(/(?<=^\w+) |: /) as [string, string, string])
  .map(([method, path, id]) => ({ method, path, id }));

it.each(ROUTES)('$method $path: $id', ({ id, ...shown }) => expect(operationIdOf(shown, ROUTES)).toBe(id));

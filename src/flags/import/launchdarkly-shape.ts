/**
 * The fields of LaunchDarkly's flags and segments that are known: of the REST API (`/api/v2/flags/...`) and of what its
 * SDKs load. Rules, targets and rollouts are written alike in both.
 * @module
 */
import type { Shape } from './shape.ts';

type FieldShapes = Readonly<Record<string, Shape>>;

const CLAUSE: Shape = {
  fields: {
    _id: 'any',
    attribute: 'text',
    op: 'text',
    values: { each: 'any' },
    contextKind: 'text',
    negate: 'boolean',
  },
};

const SERVED: FieldShapes = {
  variation: 'number',
  rollout: {
    fields: {
      kind: 'text',
      variations: {
        each: { fields: { variation: 'number', weight: 'number', untracked: 'any', _untracked: 'any' } },
      },
      bucketBy: 'text',
      contextKind: 'text',
      // What the hash was made with: the hash is another one here, as `bucketing-differs` says.
      seed: 'any',
      experimentAllocation: 'any',
    },
  },
};

const TARGET: Shape = { fields: { values: { each: 'text' }, variation: 'number', contextKind: 'text' } };

const CONFIG: FieldShapes = {
  on: 'boolean',
  version: 'any',
  salt: 'any',
  targets: { each: TARGET },
  contextTargets: { each: TARGET },
  rules: {
    each: {
      fields: {
        ...SERVED,
        _id: 'any',
        id: 'any',
        ref: 'any',
        description: 'text',
        disabled: 'boolean',
        trackEvents: 'boolean',
        clauses: { each: CLAUSE },
      },
    },
  },
  fallthrough: { fields: SERVED },
  offVariation: 'number',
  prerequisites: { each: { fields: { key: 'text', variation: 'number' } } },
  trackEvents: 'boolean',
  trackEventsFallthrough: 'boolean',
};

const VISIBILITY: Shape = { fields: { usingMobileKey: 'boolean', usingEnvironmentId: 'boolean' } };

const ENVIRONMENT: Shape = {
  fields: {
    ...CONFIG,
    archived: 'boolean',
    sel: 'any',
    lastModified: 'number',
    _debugEventsUntilDate: 'any',
    _environmentName: 'any',
    _site: 'any',
    _access: 'any',
    _summary: 'any',
    evaluation: 'any',
    migrationSettings: 'any',
  },
};

export const REST_FLAG: Shape = {
  flagIn: 'key',
  fields: {
    key: 'text',
    name: 'text',
    kind: 'text',
    description: 'text',
    variations: { each: { fields: { _id: 'any', value: 'any', name: 'text', description: 'any' } } },
    tags: { each: 'text' },
    temporary: 'boolean',
    archived: 'boolean',
    archivedDate: 'number',
    deprecated: 'boolean',
    deprecatedDate: 'any',
    creationDate: 'number',
    maintainerId: 'text',
    _maintainer: 'any',
    maintainerTeamKey: 'text',
    _maintainerTeam: 'any',
    goalIds: { each: 'any' },
    experiments: { fields: { baselineIdx: 'any', items: { each: 'any' } } },
    customProperties: { values: { fields: { name: 'text', value: { each: 'text' } } } },
    defaults: 'any',
    includeInSnippet: 'boolean',
    clientSideAvailability: VISIBILITY,
    variationJsonSchema: 'any',
    _purpose: 'text',
    migrationSettings: 'any',
    _version: 'any',
    _links: 'any',
    _site: 'any',
    _access: 'any',
    environments: { values: ENVIRONMENT },
  },
};

const SDK_FLAG: Shape = {
  fields: {
    ...CONFIG,
    key: 'text',
    variations: { each: 'any' },
    clientSide: 'boolean',
    clientSideAvailability: VISIBILITY,
    debugEventsUntilDate: 'any',
    deleted: 'boolean',
    samplingRatio: 'any',
    excludeFromSummaries: 'any',
    migration: 'any',
  },
};

export const SEGMENT: Shape = {
  fields: {
    key: 'text',
    name: 'any',
    description: 'any',
    tags: 'any',
    creationDate: 'any',
    lastModifiedDate: 'any',
    included: { each: 'text' },
    excluded: { each: 'text' },
    includedContexts: { each: { fields: { contextKind: 'text', values: { each: 'text' } } } },
    excludedContexts: { each: { fields: { contextKind: 'text', values: { each: 'text' } } } },
    rules: {
      each: {
        fields: {
          _id: 'any',
          id: 'any',
          description: 'any',
          clauses: { each: CLAUSE },
          weight: 'number',
          bucketBy: 'text',
          rolloutContextKind: 'text',
        },
      },
    },
    salt: 'any',
    version: 'any',
    deleted: 'boolean',
    unbounded: 'boolean',
    unboundedContextKind: 'any',
    generation: 'any',
    _external: 'any',
    _externalLink: 'any',
    _importInProgress: 'any',
    _unboundedMetadata: 'any',
    _links: 'any',
    _access: 'any',
    _flags: 'any',
  },
};

/** What `/api/v2/flags/<project>` answers; its flags are checked one by one. */
export const REST_PAGE: Shape = {
  fields: { items: 'any', totalCount: 'number', totalCountWithDifferences: 'any', _links: 'any' },
};

export const SDK_FILE: Shape = {
  fields: {
    flags: { values: SDK_FLAG, isByFlag: true },
    flagValues: { values: 'any' },
    segments: { values: SEGMENT },
    configurationOverrides: 'any',
    metricAttributes: 'any',
  },
};

export const SEGMENTS_PAGE: Shape = { fields: { items: { each: SEGMENT }, totalCount: 'any', _links: 'any' } };

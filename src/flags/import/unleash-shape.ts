/**
 * The fields of Unleash's exports that are known: of `POST /api/admin/features-batch/export`, of the older state export
 * (versions 1 to 4) and of what its clients fetch. They differ little, so one shape serves them all.
 * @module
 */
import type { Shape } from './shape.ts';

const STRATEGY_ALONE = {
  id: 'any',
  title: 'text',
  disabled: 'boolean',
  sortOrder: 'number',
  createdAt: 'any',
  parameters: { values: 'any' },
  segments: { each: 'number' },
} as const satisfies Record<string, Shape>;

const CONSTRAINT: Shape = {
  fields: {
    contextName: 'text',
    operator: 'text',
    values: { each: 'text' },
    value: 'text',
    inverted: 'boolean',
    caseInsensitive: 'boolean',
  },
};

const VARIANT: Shape = {
  fields: {
    name: 'text',
    weight: 'number',
    weightType: 'text',
    stickiness: 'text',
    payload: { fields: { type: 'text', value: 'text' } },
    overrides: { each: { fields: { contextName: 'text', values: { each: 'text' } } } },
  },
};

const STRATEGY_FIELDS: Readonly<Record<string, Shape>> = {
  ...STRATEGY_ALONE,
  name: 'text',
  constraints: { each: CONSTRAINT },
  variants: { each: VARIANT },
};

const DEPENDENCY: Shape = {
  fields: { feature: 'text', enabled: 'boolean', variants: { each: 'text' } },
};

const FEATURE: Shape = {
  flagIn: 'name',
  fields: {
    name: 'text',
    description: 'text',
    type: 'text',
    project: 'text',
    stale: 'boolean',
    impressionData: 'boolean',
    archived: 'boolean',
    archivedAt: 'any',
    createdAt: 'any',
    createdBy: 'any',
    lastSeenAt: 'any',
    favorite: 'any',
    lifecycle: 'any',
    collaborators: 'any',
    enabled: 'boolean',
    strategies: { each: { fields: STRATEGY_FIELDS } },
    variants: { each: VARIANT },
    dependencies: { each: DEPENDENCY },
  },
};

export const SEGMENT_SHAPE: Shape = {
  fields: {
    id: 'number',
    name: 'text',
    constraints: { each: CONSTRAINT },
    description: 'any',
    project: 'any',
    createdBy: 'any',
    createdAt: 'any',
    usedInFeatures: 'any',
    usedInProjects: 'any',
  },
};

export const UNLEASH_SHAPE: Shape = {
  fields: {
    version: 'number',
    // What clients fetch says what they asked for.
    query: 'any',
    meta: 'any',
    features: { each: FEATURE },
    featureStrategies: {
      each: {
        flagIn: 'featureName',
        fields: {
          ...STRATEGY_FIELDS,
          strategyName: 'text',
          featureName: 'text',
          environment: 'text',
          projectId: 'any',
          projectName: 'any',
        },
      },
    },
    featureEnvironments: {
      each: {
        flagIn: 'featureName',
        fields: {
          featureName: 'text',
          name: 'any',
          environment: 'text',
          enabled: 'boolean',
          variants: { each: VARIANT },
          type: 'any',
          sortOrder: 'any',
          variantCount: 'any',
          hasStrategies: 'any',
          hasEnabledStrategies: 'any',
          lastSeenAt: 'any',
          yes: 'any',
          no: 'any',
          // Said as `release-plan` where there are any.
          releasePlans: 'any',
          milestones: 'any',
          safeguards: 'any',
        },
      },
    },
    featureTags: {
      each: {
        flagIn: 'featureName',
        fields: {
          featureName: 'text',
          tagType: 'text',
          tagValue: 'text',
          type: 'text',
          value: 'text',
          createdByUserId: 'any',
        },
      },
    },
    featureStrategySegments: { each: { fields: { featureStrategyId: 'any', segmentId: 'number' } } },
    segments: { each: SEGMENT_SHAPE },
    dependencies: { each: { flagIn: 'feature', fields: { feature: 'text', dependencies: { each: DEPENDENCY } } } },
    links: {
      each: {
        flagIn: 'feature',
        fields: { feature: 'text', links: { each: { fields: { id: 'any', url: 'text', title: 'text' } } } },
      },
    },
    // Said as `not-carried`, each as a whole.
    contextFields: 'any',
    tagTypes: 'any',
    tags: 'any',
    strategies: 'any',
    projects: 'any',
    environments: 'any',
  },
};

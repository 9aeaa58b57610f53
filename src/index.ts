/**
 * The public surface of `13byte-config` under Bun. Node and bundlers get `node.ts`, which has what works there.
 * @module
 */

// Opening a config.
export { createProductionConfig, getConfig, ProductionConfig } from './live/production-config.ts';
export type { ProductionConfigOptions } from './live/options.ts';
export type { Flags } from './live/feature-reader.ts';
export type { ChangeEvent, Subscriber } from './live/watch.ts';
export type { HistoryEntry, HistoryFilter, HistoryPage } from './live/history.ts';
export type { Moment } from './live/past.ts';

// What a config is.
export { DEFAULT_CONFIG } from './config/value.ts';
export type { RegistryConfig, ChangedField } from './config/value.ts';
export type { ConfigHistory, EnhancedConfig } from './config/metadata.ts';
export type { BuiltinFeature, FeatureDeclaration } from './config/features.ts';
export type { Analytics } from './config/analytics.ts';
export type { DebugView } from './config/debug-view.ts';
export type { Issue, Rule, Validation } from './config/validation.ts';
export type { TemplateInput } from './config/templates.ts';

// Many configs of one database, as the registry sees them.
export { openConfigStore, type ConfigStore, type ConfigSnapshot } from './live/config-store.ts';
export { ConfigOperations, type ConfigView } from './live/operations.ts';
export { restoreDatabase } from './live/backups.ts';

// Failures.
export { ConfigError, isConfigError } from './errors/errors.ts';
export type { AnyConfigError, ErrorCode } from './errors/errors.ts';

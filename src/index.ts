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

// What a config is: the part that also works outside Bun.
export { DEFAULT_CONFIG, configHex, decodeConfig, encodeConfig, parseConfigBytes } from './config/value.ts';
export type { ChangedField, RegistryConfig } from './config/value.ts';
export { parseConfigInput, type ConfigInput } from './config/input.ts';
export { defineFeatures, type BuiltinFeature, type FeatureDeclaration, type FeatureSet } from './config/features.ts';
export { isInRollout } from './config/rollout.ts';
export { applyTemplate, defineTemplates, findTemplate, type Template, type TemplateInput } from './config/templates.ts';
export { validate, validateInput, type Issue, type Rule, type Validation } from './config/validation.ts';
export { migrate } from './config/migrations.ts';
export { checksumOf, type ConfigHistory, type EnhancedConfig } from './config/metadata.ts';
export { debugView, type DebugView } from './config/debug-view.ts';
export { formatVariables, readConfigVariables } from './config/environment.ts';
export type { Analytics } from './config/analytics.ts';
export { core as openCore } from './live/core.ts';

// Many configs of one database, as the registry sees them.
export { openConfigStore, type ConfigStore } from './live/config-store.ts';
export type { ConfigSnapshot } from './live/commit.ts';
export { ConfigOperations, type ConfigView } from './live/operations.ts';
export { restoreDatabase } from './live/backups.ts';

// A config of a registry elsewhere, as it changes.
export { openConfigStream } from './client/config-stream.ts';
export type { ConfigStream, ConfigStreamOptions, StreamEvent } from './client/config-stream.ts';
export type { StreamedConfig } from './client/stream-state.ts';

// Logs.
export { createLogger, type Fields, type Logger, type LoggerOptions } from './logging/logger.ts';
export { createPerformanceLogger, type PerformanceLogger } from './logging/performance-logger.ts';

// Failures.
export { ConfigError, isConfigError } from './errors/errors.ts';
export type { AnyConfigError, ErrorCode } from './errors/errors.ts';

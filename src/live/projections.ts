/** The tables that every process keeps which opens a database: one list, so that nobody opens it with fewer. @module */
import type { Projection } from '../journal/projection.ts';
import { resourcesProjection } from '../journal/resources.ts';
import { packagesProjection } from '../packages/projection.ts';
import { configsProjection } from './projection.ts';

export const PROJECTIONS: readonly Projection[] = [configsProjection, resourcesProjection, packagesProjection];

/** All about who is who: users, grants, tokens, keys, and signing in. @module */
import type { Route } from '../route.ts';
import { grantRoutes } from './grant-routes.ts';
import { keyRoutes, type KeyServices } from './key-routes.ts';
import { sessionRoutes, type SessionServices } from './session-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { userRoutes } from './user-routes.ts';

export function identityRoutes(services: SessionServices & KeyServices): readonly Route[] {
  return [sessionRoutes, userRoutes, grantRoutes, tokenRoutes, keyRoutes].flatMap((routes) => routes(services));
}

// The control API as a table, the one way in for every surface: method, path, permission, reach, handler. Guards
// and framing are server.ts, bodies are read in decode.ts.
import { accessRoutes, ruleRoutes } from './admin-routes.ts';
import type { AccessParts, RuleParts } from './admin-routes.ts';
import { gateRoutes, memoryRoutes } from './gate-routes.ts';
import type { GateParts, MemoryParts } from './gate-routes.ts';
import { questionRoutes } from './question-routes.ts';
import type { QuestionParts } from './question-routes.ts';
import type { Route } from './route.ts';

/** What the routes speak for. What throws is a bug: the caller gets a 500 without details. */
export interface RouteParts extends QuestionParts, MemoryParts, GateParts, RuleParts, AccessParts {
  /** The page's files, from static.ts. */
  readonly files: readonly Route[];
}

/** The table. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  return [
    ...questionRoutes(parts),
    ...memoryRoutes(parts),
    ...gateRoutes(parts),
    ...ruleRoutes(parts),
    ...accessRoutes(parts),
    ...parts.files,
  ];
}

// The migrations of a host's agent.db, oldest first.
import { FirstRelease1790000000000 } from './1790000000000-first-release.js';

export const AGENT_MIGRATIONS = [FirstRelease1790000000000] as const;

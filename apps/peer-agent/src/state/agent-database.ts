// HOME/agent.db as a thing to inject: the type is its own token.
import type { Database } from '#database';

export abstract class AgentDatabase implements Database {
  abstract readonly writes: Database['writes'];
  abstract readonly reads: Database['reads'];
  abstract close(): Promise<void>;
}

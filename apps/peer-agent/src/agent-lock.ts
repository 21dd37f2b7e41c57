// The right to use a home as its one agent, as a thing to inject.
import type { ExclusiveUse } from '#database';

export abstract class AgentLock implements ExclusiveUse {
  abstract release(): Promise<void>;
}

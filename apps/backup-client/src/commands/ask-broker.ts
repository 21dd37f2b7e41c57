// A command that only asks the broker something: no engine, no lock of the home.
import { BrokerClient } from '#broker-api';
import { PeerHome, readHomeKey } from '#peer-home';
import { type CommandContext, type CommonOptions, homePathFor } from './command-context.js';

/** throws not_enrolled | what `ask` throws */
export async function askBroker<T>(
  context: CommandContext,
  options: CommonOptions,
  ask: (broker: BrokerClient) => Promise<T>,
): Promise<T> {
  const home = await PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
  const broker = new BrokerClient({ home, clock: context.clock, log: context.log });
  try {
    return await ask(broker);
  } finally {
    await broker.close();
  }
}

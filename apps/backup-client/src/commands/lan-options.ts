// --no-lan: commands that fetch ask the neighbours on the local network first, unless a person does not want it.
import type { Command } from 'commander';

/** As commander reads it; true where nothing was said, missing in commands that do not fetch. */
export interface LanOptions {
  readonly lan?: boolean;
}

export function withLan(command: Command): Command {
  return command.option('--no-lan', 'do not ask neighbours on the local network for what is needed');
}

/** A broker on this machine alone serves a lab: its peers are all here, and no network has to be asked for them. */
export function asksNeighbours({ lan }: LanOptions, broker: { readonly host: string }): boolean {
  const isLab = broker.host === 'localhost' || broker.host === '::1' || broker.host.startsWith('127.');
  return lan === true && !isLab;
}

// `peerkeep cat`: prints what the store holds inside, for whoever looks for a fault.
import { Argument, type Command } from 'commander';
import {
  type BackupEngine,
  EVERY_SNAPSHOT,
  type Running,
  readChunk,
  readIndexDocument,
  readObjectDocument,
  readTreeStream,
} from '#backup';
import { ProtocolError } from '#protocol';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';

const KINDS = ['snapshot', 'tree', 'object', 'index', 'chunk'] as const;
type Kind = (typeof KINDS)[number];

export function catCommand(context: CommandContext): Command {
  return newCommand('cat', 'print a stored document or chunk as it is')
    .addArgument(new Argument('<what>', 'snapshot, tree, object, index or chunk').choices(KINDS))
    .argument('<id>', 'its id; of a tree: a snapshot, or SNAPSHOT:/folder')
    .action((kind: Kind, id: string, options: CommonOptions) =>
      withEngine(context, options, (engine, running) => print(context, { engine, running }, kind, id)),
    );
}

type Opened = { readonly engine: BackupEngine; readonly running: Running };

async function print(context: CommandContext, opened: Opened, kind: Kind, id: string): Promise<void> {
  const { engine, running } = opened;
  const { signal } = running;
  const { terminal } = context;
  switch (kind) {
    case 'snapshot': {
      const { stored } = await engine.look({ ...running, snapshot: id, filter: EVERY_SNAPSHOT });
      return printJson(context, { id: stored.id, ...stored.snapshot });
    }
    case 'tree': {
      const [snapshot = '', path = '/'] = id.split(/:(.*)/s);
      const { stored } = await engine.look({ ...running, snapshot, filter: EVERY_SNAPSHOT });
      return engine.inside(running, async (parts) => {
        for await (const piece of readTreeStream(parts, stored, path, signal)) await terminal.bytes(piece);
      });
    }
    case 'object':
      return printJson(
        context,
        await engine.inside(running, (parts, listed) => readObjectDocument(parts, listed, id, signal)),
      );
    case 'index':
      return printJson(
        context,
        await engine.inside(running, (parts, listed) => readIndexDocument(parts, listed, id, signal)),
      );
    case 'chunk':
      if (!/^[A-Za-z0-9_-]{43}$/.test(id))
        throw new ProtocolError('usage', {}, { detail: `${id} is no id of a chunk` });
      return terminal.bytes(await engine.inside(running, (parts) => readChunk(parts, id, signal)));
  }
}

/** Documents for people to read, and for programs: indented, or one line with --json. */
function printJson({ terminal }: CommandContext, value: unknown): void {
  terminal.result(value, () => JSON.stringify(value, null, 2));
}

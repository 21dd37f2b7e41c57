// Which restores of this home have begun and not ended: the same command may go on in a target that is not empty.
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '#process';
import { errnoOf } from '../files/disk-failure.js';
import { diskFailure } from '../files/restore-failure.js';
import type { EntryPatterns } from './choose-entries.js';

/** The oldest is forgotten first: that target then has to be named with --overwrite. */
const RESTORES_MAX = 100;

const restores = z.array(z.strictObject({ target: z.string(), source: z.string() })).max(RESTORES_MAX);

/** root, folder   the tree that is restored */
export interface RestoredPart {
  readonly root: readonly string[];
  readonly folder: string;
  readonly patterns: EntryPatterns;
}

/** A list in the home. What cannot be read of it counts as empty: it only saves a person an option. */
export class UnfinishedRestores {
  private constructor(
    private readonly path: string,
    private list: z.infer<typeof restores>,
  ) {}

  /** folder   the client's folder in the home */
  static async open(folder: string): Promise<UnfinishedRestores> {
    const path = join(folder, 'unfinished-restores.json');
    return new UnfinishedRestores(path, parse(await readOrEmpty(path)));
  }

  async has(target: string, what: RestoredPart): Promise<boolean> {
    const wanted = { target: await realTarget(target), source: sourceOf(what) };
    return this.list.some(({ target, source }) => target === wanted.target && source === wanted.source);
  }

  /** Whether any restore into the target was cut off. */
  async hasAny(target: string): Promise<boolean> {
    const real = await realTarget(target);
    return this.list.some(({ target }) => target === real);
  }

  /** Note that a restore begins; one target has one. throws local_disk */
  async begin(target: string, what: RestoredPart): Promise<void> {
    const begun = { target: await realTarget(target), source: sourceOf(what) };
    await this.save([...this.list.filter(({ target }) => target !== begun.target), begun].slice(-RESTORES_MAX));
  }

  /** Note that a restore has reached its end there, whatever failed: what is there from now on is anybody's. throws local_disk */
  async end(target: string): Promise<void> {
    const real = await realTarget(target);
    if (this.list.some(({ target }) => target === real)) {
      await this.save(this.list.filter(({ target }) => target !== real));
    }
  }

  private async save(list: z.infer<typeof restores>): Promise<void> {
    try {
      await writeFileDurably(this.path, JSON.stringify(list));
    } catch (error) {
      throw diskFailure(error);
    }
    this.list = list;
  }
}

function sourceOf({ root, folder, patterns }: RestoredPart): string {
  const { includes, iincludes = [], excludes = [], iexcludes = [] } = patterns;
  return createHash('sha256')
    .update(JSON.stringify([root, folder, includes, iincludes, excludes, iexcludes]))
    .digest('base64url');
}

async function realTarget(target: string): Promise<string> {
  try {
    return await realpath(target);
  } catch (error) {
    errnoOf(error);
    return resolve(target);
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    errnoOf(error);
    return '[]';
  }
}

function parse(text: string): z.infer<typeof restores> {
  try {
    return restores.safeParse(JSON.parse(text)).data ?? [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

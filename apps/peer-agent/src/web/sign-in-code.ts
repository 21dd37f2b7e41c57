// HOME/web: the one code that signs the owner in, and where the agent's pages are. Whoever can write the home is its owner.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readSecretFile, writeFileDurably } from '#process';
import { encodeBase64url, equalInConstantTime, KEY_BYTES, ProtocolError, utf8 } from '#protocol';
import { SIGN_IN_CODE_LIFE_MS } from './limits.js';

const codeFile = z.strictObject({ hash: z.string(), expiresAtMs: z.int() });

export class SignInCodes {
  private readonly folder: string;
  private readonly codePath: string;
  private readonly originPath: string;

  constructor(homePath: string) {
    this.folder = join(homePath, 'web');
    this.codePath = join(this.folder, 'sign-in.json');
    this.originPath = join(this.folder, 'origin');
  }

  /** A new code; the one before it is void. Its hash alone is kept. */
  async issue(nowMs: number): Promise<string> {
    const code = encodeBase64url(randomBytes(KEY_BYTES));
    await this.write(this.codePath, JSON.stringify({ hash: hashOf(code), expiresAtMs: nowMs + SIGN_IN_CODE_LIFE_MS }));
    return code;
  }

  /**
   * Use up a code. A wrong one uses nothing up, so that strangers cannot void the owner's.
   *
   * throws   sign_in_invalid | secret_file_exposed
   */
  async burn(code: string, nowMs: number): Promise<void> {
    const known = codeFile.safeParse(jsonOf(await readOrEmpty(this.codePath)));
    const isKnown = known.success && equalInConstantTime(utf8(known.data.hash), utf8(hashOf(code)));
    if (!isKnown || known.data.expiresAtMs <= nowMs) throw new ProtocolError('sign_in_invalid');
    // Of two who show it at once, one removes it.
    await unlink(this.codePath).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new ProtocolError('sign_in_invalid') : error;
    });
  }

  /** From here on the pages are there: scheme, host and port. */
  async noteOrigin(origin: string): Promise<void> {
    await this.write(this.originPath, origin);
  }

  async forgetOrigin(): Promise<void> {
    await rm(this.originPath, { force: true });
  }

  /** Where a running agent has its pages on this machine; null when none has. */
  async origin(): Promise<string | null> {
    const text = (await readOrEmpty(this.originPath)).trim();
    return text === '' ? null : text;
  }

  private async write(path: string, text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(path, `${text}\n`);
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return (await readSecretFile(path)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

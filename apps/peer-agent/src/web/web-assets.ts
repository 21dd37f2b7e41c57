// The scripts and the style of the pages as the build has made them: read once, kept in memory, found by whole names only.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SAFE_HEADERS, type WebAnswer } from './web-message.js';

const manifestSchema = z.object({
  visits: z.object({ share: z.string(), owner: z.string(), style: z.string(), files: z.array(z.string()) }),
});

type Manifest = z.infer<typeof manifestSchema>['visits'];

const LIFE_SECONDS = 365 * 24 * 60 * 60;

let read: { readonly manifest: Manifest; readonly files: ReadonlyMap<string, Buffer> } | null = null;

/** The address of a script or the style; it changes with its content. */
export function assetPath(asset: 'share' | 'owner' | 'style'): string {
  return `/assets/${readBuild().manifest[asset]}`;
}

/** Null for whatever the build has not made. */
export function assetAnswer(name: string): WebAnswer | null {
  const content = readBuild().files.get(name);
  if (content === undefined) return null;
  const type = name.endsWith('.css') ? 'text/css' : 'text/javascript';
  const headers = {
    ...SAFE_HEADERS,
    'content-type': `${type}; charset=utf-8`,
    'cache-control': `public, max-age=${LIFE_SECONDS}, immutable`,
  };
  return { status: 200, headers, body: content };
}

/** `npm run build` makes them; an agent without them is a broken installation. */
function readBuild(): NonNullable<typeof read> {
  if (read !== null) return read;
  const path = createRequire(import.meta.url).resolve('#dashboard/manifest.json');
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).visits;
  const files = manifest.files.map((name): [string, Buffer] => [name, readFileSync(join(dirname(path), name))]);
  read = { manifest, files: new Map(files) };
  return read;
}

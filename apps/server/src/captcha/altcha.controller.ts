// GET /captcha/altcha/*: the ALTCHA widget from our own origin, with its style and its worker in files of their own, so
// that the page's policy needs neither inline code nor another origin.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ProtocolError } from '#protocol';
import { Unsigned } from '../control/message.guard.js';

const folder = join(dirname(createRequire(import.meta.url).resolve('altcha/altcha.css')), '..');
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** A plain script in the page's order; the widget is a module, and finds its worker through this map. */
const START = `import('/captcha/altcha/altcha.js').then(() =>
  globalThis.$altcha.algorithms.set('PBKDF2/SHA-256', () => new Worker('/captcha/altcha/pbkdf2.js')),
);
`;

const FILES: ReadonlyMap<string, { readonly type: string; readonly read: () => Promise<Buffer> }> = new Map([
  ['start.js', { type: JAVASCRIPT, read: async () => Buffer.from(START) }],
  ['altcha.js', { type: JAVASCRIPT, read: () => readFile(join(folder, 'external/altcha.min.js')) }],
  ['altcha.css', { type: 'text/css; charset=utf-8', read: () => readFile(join(folder, 'external/altcha.css')) }],
  ['pbkdf2.js', { type: JAVASCRIPT, read: () => readFile(join(folder, 'workers/pbkdf2.js')) }],
]);

@Controller('captcha/altcha')
@ApiExcludeController()
@Unsigned()
export class AltchaController {
  private readonly contents = new Map<string, Buffer>();

  /** throws route_unknown for any other name */
  @Get(':file')
  async get(@Param('file') name: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<Buffer> {
    const file = FILES.get(name);
    if (file === undefined) throw new ProtocolError('route_unknown');
    const content = this.contents.get(name) ?? (await file.read());
    this.contents.set(name, content);
    reply.headers({
      'content-type': file.type,
      'cache-control': 'max-age=3600',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      // A worker takes its policy from its own answer, not from the page.
      'content-security-policy': "default-src 'none'",
    });
    return content;
  }
}

// GET /captcha/:id/picture.png and /captcha/:id/sound.wav: an open challenge as pixels and as samples
import { Controller, Get, Header, Headers, Param, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Unsigned } from '../control/message.guard.js';
import { PictureCaptcha } from './picture-captcha.js';
import { RenderingRateGuard } from './rendering-rate.guard.js';

@Controller('captcha/:id')
@ApiExcludeController()
@Unsigned()
@UseGuards(RenderingRateGuard)
export class CaptchaController {
  constructor(private readonly picture: PictureCaptcha) {}

  @Get('picture.png')
  @Header('content-type', 'image/png')
  @Header('cache-control', 'no-store')
  @Header('x-content-type-options', 'nosniff')
  @Header('cross-origin-resource-policy', 'same-origin')
  getPicture(@Param('id') id: string): Promise<Buffer> {
    return this.picture.picture(id);
  }

  @Get('sound.wav')
  @Header('content-type', 'audio/wav')
  @Header('cache-control', 'no-store')
  @Header('x-content-type-options', 'nosniff')
  @Header('cross-origin-resource-policy', 'same-origin')
  @Header('accept-ranges', 'bytes')
  getSound(
    @Param('id') id: string,
    @Headers('range') range: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer {
    const file = this.picture.sound(id, range !== undefined);
    const piece = range === undefined ? null : pieceOf(range, file.length);
    if (piece === null) return file;
    reply.status(206).header('content-range', `bytes ${piece.start}-${piece.end - 1}/${file.length}`);
    return file.subarray(piece.start, piece.end);
  }
}

/**
 * One range from a known start, as players send it (RFC 9110 §14.1.2). Any other form is null, and the whole file is
 * a right answer to it (§14.2). Some players play nothing without pieces.
 */
function pieceOf(range: string, sizeBytes: number): { start: number; end: number } | null {
  const match = /^bytes=(\d{1,9})-(\d{0,9})$/.exec(range);
  if (match === null) return null;
  const start = Number(match[1]);
  const end = match[2] === '' ? sizeBytes : Math.min(sizeBytes, Number(match[2]) + 1);
  return start < end ? { start, end } : null;
}

// GET /test/captcha/:id: tells the answer of a picture. Part of a broker in test mode only, which listens on loopback
// only: without the mode this module is not in the application, and there is no such route.
import { Controller, Get, Module, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Unsigned } from '../control/message.guard.js';
import { CaptchaModule } from './captcha.module.js';
import { PictureCaptcha } from './picture-captcha.js';

@Controller('test/captcha')
@ApiExcludeController()
@Unsigned()
class TestCaptchaController {
  constructor(private readonly picture: PictureCaptcha) {}

  @Get(':id')
  get(@Param('id') id: string): { answer: string } {
    return { answer: this.picture.answerOf(id) };
  }
}

@Module({ imports: [CaptchaModule], controllers: [TestCaptchaController] })
export class TestModeModule {}

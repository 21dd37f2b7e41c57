// The CAPTCHA: what pages show and check, and the routes of its picture, sound and widget.
import { Module } from '@nestjs/common';
import { Clock, Log } from '#process';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { Settings } from '../platform/settings.js';
import { AltchaController } from './altcha.controller.js';
import { CaptchaController } from './captcha.controller.js';
import { CaptchaProvider } from './captcha-provider.js';
import { ChallengeStore } from './challenge-store.js';
import { CountedCaptcha } from './counted-captcha.js';
import { makeProvider } from './make-provider.js';
import { PictureCaptcha, type PictureSecret } from './picture-captcha.js';

@Module({
  controllers: [AltchaController, CaptchaController],
  providers: [
    {
      provide: PictureCaptcha,
      useFactory: (clock: Clock, { policy }: Settings) =>
        new PictureCaptcha(new ChallengeStore<PictureSecret>(clock, policy.captcha.challengeLifeMs)),
      inject: [Clock, Settings],
    },
    {
      provide: CaptchaProvider,
      useFactory: (
        clock: Clock,
        log: Log,
        { policy, captchaSecret }: Settings,
        picture: PictureCaptcha,
        { captchas }: BrokerMetrics,
      ) => {
        const provider = makeProvider({ policy: policy.captcha, secret: captchaSecret, clock, log, picture });
        return new CountedCaptcha(provider, (outcome) => captchas.inc({ outcome }));
      },
      inject: [Clock, Log, Settings, PictureCaptcha, BrokerMetrics],
    },
  ],
  exports: [CaptchaProvider, PictureCaptcha],
})
export class CaptchaModule {}

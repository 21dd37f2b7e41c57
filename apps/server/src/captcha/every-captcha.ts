// Several CAPTCHAs in one form, of which every one must be passed.
import { CaptchaProvider, type CaptchaView, type ContentSecurity } from './captcha-provider.js';

export class EveryCaptcha extends CaptchaProvider {
  constructor(private readonly providers: readonly CaptchaProvider[]) {
    super();
  }

  async challenge(form: string, remoteAddress: string): Promise<CaptchaView> {
    const views = await Promise.all(this.providers.map((provider) => provider.challenge(form, remoteAddress)));
    const all = (part: keyof ContentSecurity): string[] => views.flatMap((view) => view.contentSecurity[part]);
    return {
      html: views.map((view) => view.html).join('\n'),
      scripts: views.flatMap((view) => view.scripts),
      contentSecurity: {
        scriptSrc: all('scriptSrc'),
        frameSrc: all('frameSrc'),
        connectSrc: all('connectSrc'),
        styleSrc: all('styleSrc'),
      },
    };
  }

  /** Every challenge is used up, also when an earlier one was answered wrongly: none is left over for another try. */
  async verify(form: string, fields: Readonly<Record<string, string>>, remoteAddress: string): Promise<boolean> {
    const passed = await Promise.all(this.providers.map((provider) => provider.verify(form, fields, remoteAddress)));
    return passed.every((one) => one);
  }
}

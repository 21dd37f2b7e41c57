// A CAPTCHA whose outcomes are counted.
import { CaptchaProvider, type CaptchaView } from './captcha-provider.js';

/** `unavailable`: an outside service did not answer, or too many challenges are open. */
export type CaptchaOutcome = 'shown' | 'passed' | 'failed' | 'unavailable';

export class CountedCaptcha extends CaptchaProvider {
  constructor(
    private readonly provider: CaptchaProvider,
    private readonly count: (outcome: CaptchaOutcome) => void,
  ) {
    super();
  }

  async challenge(form: string, remoteAddress: string): Promise<CaptchaView> {
    return this.counted(this.provider.challenge(form, remoteAddress), () => 'shown');
  }

  async verify(form: string, fields: Readonly<Record<string, string>>, remoteAddress: string): Promise<boolean> {
    const verified = this.provider.verify(form, fields, remoteAddress);
    return this.counted(verified, (passed) => (passed ? 'passed' : 'failed'));
  }

  private async counted<T>(work: Promise<T>, outcomeOf: (result: T) => CaptchaOutcome): Promise<T> {
    try {
      const result = await work;
      this.count(outcomeOf(result));
      return result;
    } catch (error) {
      this.count('unavailable');
      throw error;
    }
  }
}

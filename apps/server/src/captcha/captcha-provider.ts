// The CAPTCHA of the broker, as pages meet it: show a challenge in a form, check once what the form brings back (B2).

/**
 * What a page needs to show one challenge, inside its `<form>`.
 *
 * html              goes into the form as it is; its controls are the fields whose values go to `verify`
 * scripts           addresses that the page loads with `<script defer src>`, in this order; none: no JavaScript is needed
 * contentSecurity   sources to add to the page's Content-Security-Policy beside 'self'. Picture, sound, scripts, styles
 *                   and workers of ours are 'self' (img-src, media-src, script-src, style-src); nothing is inline
 */
export interface CaptchaView {
  readonly html: string;
  readonly scripts: readonly string[];
  readonly contentSecurity: ContentSecurity;
}

export interface ContentSecurity {
  readonly scriptSrc: readonly string[];
  readonly frameSrc: readonly string[];
  readonly connectSrc: readonly string[];
  readonly styleSrc: readonly string[];
}

export const SAME_ORIGIN_ONLY: ContentSecurity = {
  scriptSrc: [],
  frameSrc: [],
  connectSrc: [],
  styleSrc: [],
};

export abstract class CaptchaProvider {
  /**
   * A fresh challenge for one form; a challenge of one form answers no other.
   *
   * form            a short name such as `register`, `sign-in`, `enrol`
   * remoteAddress   whoever asks, as the socket tells it: one network may hold only so many open challenges
   * throws          rate_exceeded when the network holds too many, overloaded when the broker does
   */
  abstract challenge(form: string, remoteAddress: string): Promise<CaptchaView>;

  /**
   * Check what the form brought. The challenge is used up by it, also by a wrong answer.
   *
   * fields          all fields of the submitted form
   * remoteAddress   whoever sent it, as the socket tells it
   * returns         false when wrong, expired, used, of another form, or missing
   * throws          captcha_unavailable when an outside service that must agree does not answer
   */
  abstract verify(form: string, fields: Readonly<Record<string, string>>, remoteAddress: string): Promise<boolean>;
}

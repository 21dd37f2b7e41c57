// CAPTCHAs that an outside service runs: Cloudflare Turnstile and hCaptcha. Off unless the policy names one.
import { strict as assert } from 'node:assert';
import { html } from '../web/html.js';
import type { HostedKind } from './captcha-policy.js';
import { CaptchaProvider, type CaptchaView, type ContentSecurity } from './captcha-provider.js';
import { TOKEN_FIELD_CHARS_MAX } from './limits.js';
import type { SiteVerify, SiteVerifyAnswer } from './site-verify.js';

interface HostedService {
  readonly siteVerifyUrl: string;
  readonly script: string;
  readonly contentSecurity: ContentSecurity;
  readonly widgetClass: string;
  readonly field: string;
  /** Whether the service ties a token to the form that the widget names, and tells it back. */
  readonly tellsAction: boolean;
  readonly privacyUrl: string;
}

const HCAPTCHA_SOURCES = ['https://hcaptcha.com', 'https://*.hcaptcha.com'];

/** As the services document them: developers.cloudflare.com/turnstile, docs.hcaptcha.com. */
export const HOSTED_SERVICES: Readonly<Record<HostedKind, HostedService>> = {
  turnstile: {
    siteVerifyUrl: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
    script: 'https://challenges.cloudflare.com/turnstile/v0/api.js',
    contentSecurity: {
      scriptSrc: ['https://challenges.cloudflare.com'],
      frameSrc: ['https://challenges.cloudflare.com'],
      connectSrc: [],
      styleSrc: [],
    },
    widgetClass: 'cf-turnstile',
    field: 'cf-turnstile-response',
    tellsAction: true,
    privacyUrl: 'https://www.cloudflare.com/privacypolicy/',
  },
  hcaptcha: {
    siteVerifyUrl: 'https://api.hcaptcha.com/siteverify',
    script: 'https://js.hcaptcha.com/1/api.js',
    contentSecurity: {
      scriptSrc: HCAPTCHA_SOURCES,
      frameSrc: HCAPTCHA_SOURCES,
      connectSrc: HCAPTCHA_SOURCES,
      styleSrc: HCAPTCHA_SOURCES,
    },
    widgetClass: 'h-captcha',
    field: 'h-captcha-response',
    tellsAction: false,
    privacyUrl: 'https://www.hcaptcha.com/privacy',
  },
};

export interface HostedSettings {
  readonly kind: HostedKind;
  readonly siteKey: string;
  readonly secret: string;
  /** Where the service must have shown its widget; null takes any place. */
  readonly hostname: string | null;
}

export class HostedCaptcha extends CaptchaProvider {
  private readonly service: HostedService;

  constructor(
    private readonly settings: HostedSettings,
    private readonly siteVerify: SiteVerify,
  ) {
    super();
    this.service = HOSTED_SERVICES[settings.kind];
  }

  async challenge(form: string): Promise<CaptchaView> {
    assert(/^[a-z][a-z0-9-]{0,31}$/.test(form));
    const { widgetClass, script, contentSecurity, privacyUrl } = this.service;
    const widget = html`<div class="${widgetClass}" data-sitekey="${this.settings.siteKey}" data-action="${form}"></div>
<p>This check is run by another company, which sees your address and browser: <a href="${privacyUrl}" rel="noreferrer">its privacy notice</a>.</p>
<noscript><p role="alert">This form needs JavaScript: the check that you are a person runs in the browser.</p></noscript>`;
    return { html: widget.toString(), scripts: [script], contentSecurity };
  }

  /** The service itself takes a token once and for minutes only: a second time it answers `timeout-or-duplicate`. */
  async verify(form: string, fields: Readonly<Record<string, string>>, remoteAddress: string): Promise<boolean> {
    const token = fields[this.service.field] ?? '';
    if (token === '' || token.length > TOKEN_FIELD_CHARS_MAX) return false;
    const { secret, siteKey, kind } = this.settings;
    const answer = await this.siteVerify.ask({
      secret,
      response: token,
      remoteip: remoteAddress,
      ...(kind === 'hcaptcha' ? { sitekey: siteKey } : {}),
    });
    return answer.success && this.isForUs(answer, form);
  }

  private isForUs(answer: SiteVerifyAnswer, form: string): boolean {
    if (this.settings.hostname !== null && answer.hostname !== this.settings.hostname) return false;
    // hCaptcha tells no action: its tokens are good for any form of this site key, once.
    return !this.service.tellsAction || answer.action === form;
  }
}

// A person with a real browser, headless Chromium: registers, signs in, answers the CAPTCHA, and looks at pages.
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const PERSON = { email: 'ada@example.org', name: 'Ada', password: 'a horse, a battery, no staple' } as const;

export class PersonBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** The broker's certificate is of its own CA, which a browser asks its person about. */
  static async open({ javaScript = true } = {}): Promise<PersonBrowser> {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: javaScript });
    return new PersonBrowser(browser, context, await context.newPage());
  }

  close(): Promise<void> {
    return this.browser.close();
  }

  /** From a sign-in page: by the way of registration, back to where the sign-in leads. */
  async registerAndSignIn(): Promise<void> {
    const { page } = this;
    await page.getByRole('link', { name: 'Register' }).last().click();
    await page.getByLabel('E-mail address').fill(PERSON.email);
    await page.getByLabel('Name', { exact: true }).fill(PERSON.name);
    await page.getByLabel('Password').fill(PERSON.password);
    await this.answerCaptcha();
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await this.signIn();
  }

  async signIn(): Promise<void> {
    const { page } = this;
    await page.getByLabel('E-mail address').fill(PERSON.email);
    await page.getByLabel('Password').fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** By the route that a broker in test mode has. */
  async answerCaptcha(): Promise<void> {
    const { page } = this;
    const id = await page.locator('input[name=captcha-id]').inputValue();
    const answer = await this.context.request.get(new URL(`/test/captcha/${id}`, page.url()).href);
    await page.locator('input[name=captcha-answer]').fill(((await answer.json()) as { answer: string }).answer);
  }

  /** What axe finds wrong with the page as it stands (WCAG 2.2 A and AA, and good practice). */
  async accessibilityFaults(): Promise<string[]> {
    const axe = createRequire(import.meta.url)('axe-core') as { readonly source: string };
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      interface Axe {
        run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
      }
      const { axe } = globalThis as unknown as { axe: Axe };
      const { violations } = await axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    });
  }
}

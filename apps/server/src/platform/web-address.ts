// The address under which people reach the web pages: the policy's, or else the listener's own.
import { strict as assert } from 'node:assert';
import { isIPv6 } from 'node:net';
import { z } from 'zod';

export class WebAddress {
  private listening: string | null = null;
  private link: string | null = null;

  /** publicUrl   origin of the reverse proxy in front, or null */
  constructor(private readonly publicUrl: string | null) {}

  /** Called once the listener has its port. */
  listensAt(host: string, port: number, joinLink: string): void {
    this.link = joinLink;
    this.listening = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  /** What machines are given to find and pin this broker. */
  get joinLink(): string {
    assert(this.link !== null, 'the broker listens before anybody asks');
    return this.link;
  }

  /** `https://name[:port]` without a path: what links in mails and on machines begin with. Never from a request. */
  get origin(): string {
    const origin = this.publicUrl ?? this.listening;
    assert(origin !== null, 'the broker listens before anybody asks');
    return origin;
  }

  /**
   * The origin that a form of ours tells. Without a configured address people may reach the listener by several names,
   * and their browser names the one it connected to as the host.
   */
  originFor(host: string | undefined): string {
    return this.publicUrl ?? `https://${host ?? ''}`;
  }
}

/** An `https` origin: no path, no credentials. */
export const webUrlField = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text && text.startsWith('https://'), {
    message: 'not an origin like https://backup.example',
  });

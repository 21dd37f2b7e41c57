// The one web origin whose pages may use the admin interface: the listener's own.
import { strict as assert } from 'node:assert';
import { isIPv6 } from 'node:net';

export class AdminOrigin {
  private own: string | null = null;

  /** Called once the listener has its port. */
  listensAt(host: string, port: number): void {
    this.own = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  get text(): string {
    assert(this.own !== null, 'the listener has its port before anybody asks');
    return this.own;
  }

  /** A program tells no origin. What a browser tells must be ours, whatever name the request calls us by. */
  isForeign(origin: string | undefined): boolean {
    return origin !== undefined && origin !== this.own;
  }
}

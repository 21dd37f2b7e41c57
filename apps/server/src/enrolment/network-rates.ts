// How often each network asks within a minute: bounded per network, and in what one site can make the broker remember.
import { ProtocolError } from '#protocol';
import { NETWORKS_PER_SITE_MAX, RATED_SITES_MAX } from '../limits.js';
import { siteOf } from './network-of.js';

const MINUTE_MS = 60_000;

export class NetworkRates {
  /** By site, so that whoever has many networks of 64 bits takes one place and not all of them. */
  private readonly sites = new Map<string, Map<string, number>>();
  private minute = 0;

  /** perMinute   requests of one network */
  constructor(
    private readonly perMinute: number,
    private readonly sitesMax = RATED_SITES_MAX,
    private readonly networksPerSiteMax = NETWORKS_PER_SITE_MAX,
  ) {}

  /**
   * Count a request.
   *
   * network   as networkOf tells it
   * atMs      monotonic
   * throws    rate_exceeded, also for one more network of a site that asked from many; overloaded when more sites ask in
   *           one minute than are remembered
   */
  count(network: string, atMs: number): void {
    this.forget(atMs);
    const site = siteOf(network);
    const networks = this.sites.get(site) ?? new Map<string, number>();
    if (networks.size === 0 && this.sites.size >= this.sitesMax) throw new ProtocolError('overloaded');
    const counted = networks.get(network) ?? 0;
    const isOneTooMany = counted === 0 && networks.size >= this.networksPerSiteMax;
    if (isOneTooMany || counted >= this.perMinute) throw new ProtocolError('rate_exceeded');
    networks.set(network, counted + 1);
    this.sites.set(site, networks);
  }

  private forget(atMs: number): void {
    const minute = Math.floor(atMs / MINUTE_MS);
    if (minute === this.minute) return;
    this.sites.clear();
    this.minute = minute;
  }
}

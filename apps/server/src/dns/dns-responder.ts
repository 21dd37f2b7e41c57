// Answers DNS queries for the names of peers by UDP, where the operator asked for it: small answers, so many for each
// network, nothing that grows.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import type { Clock, ListenAddress, Log } from '#process';
import { isRefusal } from '#protocol';
import { networkOf, siteOf } from '../enrolment/network-of.js';
import { NetworkRates } from '../enrolment/network-rates.js';
import { DNS_ANSWER_BYTES_MAX, DNS_LOOKUPS_AT_ONCE_MAX, DNS_QUERIES_PER_MINUTE_MAX } from '../limits.js';
import type { BrokerMetrics } from '../metrics/broker-metrics.js';
import type { FindByName } from '../network/find-by-name.js';
import type { Settings } from '../platform/settings.js';
import { plainAddress } from '../presence/judge-address.js';
import { dnsAnswer, type NameFound, readDnsQuestion } from './decide-dns-answer.js';

export interface DnsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Pick<Settings, 'policy'>;
  readonly names: Pick<FindByName, 'run'>;
  readonly metrics: Pick<BrokerMetrics, 'dnsQueries'>;
}

export class DnsResponder {
  private readonly rates = new NetworkRates(DNS_QUERIES_PER_MINUTE_MAX);
  private lookups = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly parts: DnsParts,
  ) {}

  /** Errors of the system pass through. */
  static async listen({ host, port }: ListenAddress, parts: DnsParts): Promise<DnsResponder> {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    const listening = once(socket, 'listening');
    socket.bind(port, host);
    await listening;
    const responder = new DnsResponder(socket, parts);
    socket.on('message', (message, from) => void responder.answer(message, from));
    // Such as a port that nobody listens on any more: the next query comes all the same.
    socket.on('error', (error) => parts.log.warn({ event: 'dns_socket_failed', err: error }));
    return responder;
  }

  get port(): number {
    return this.socket.address().port;
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }

  private async answer(message: Uint8Array, from: RemoteInfo): Promise<void> {
    const { metrics, settings, log } = this.parts;
    const outcome = (name: string): void => metrics.dnsQueries.inc({ outcome: name });
    if (!this.isAllowed(from.address)) return outcome('dropped');
    const query = decodeQuery(message);
    const { relayDomain: domain } = settings.policy;
    const asked = query === null ? null : readDnsQuestion(query, domain);
    if (query === null || asked === null) return outcome('malformed');
    this.lookups++;
    try {
      const found = asked.kind === 'name' ? await this.find(asked.label) : null;
      const answer = encode(dnsAnswer(query, asked, { found, domain }));
      if (answer.length > DNS_ANSWER_BYTES_MAX) return outcome('dropped');
      this.socket.send(answer, from.port, from.address, (error) => {
        if (error !== null) log.debug({ event: 'dns_answer_unsent', err: error });
      });
      outcome('answered');
    } catch (error) {
      log.error({ event: 'dns_failed', err: error });
      outcome('failed');
    } finally {
      this.lookups--;
    }
  }

  private async find(label: string): Promise<NameFound> {
    const found = await this.parts.names.run(label);
    return { isKnown: found !== null, address: found?.relay?.address ?? null };
  }

  /** Sources can be forged, so no network gets more answers than it may have asked for itself. */
  private isAllowed(address: string): boolean {
    if (this.lookups >= DNS_LOOKUPS_AT_ONCE_MAX) return false;
    const plain = plainAddress(address);
    const octets = /^(\d+\.\d+\.\d+)\.\d+$/.exec(plain);
    try {
      this.rates.count(
        octets === null ? siteOf(networkOf(plain)) : `${octets[1]}.0/24`,
        this.parts.clock.monotonicMs(),
      );
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }
}

/** Null for what is no DNS message; the library throws errors of many kinds at those. */
function decodeQuery(message: Uint8Array): DecodedPacket | null {
  // RFC 1035 §2.3.4, §4.2.1: a query of one name fits; a longer one is none that is answered here.
  if (message.length > DNS_ANSWER_BYTES_MAX) return null;
  try {
    return decode(Buffer.from(message));
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

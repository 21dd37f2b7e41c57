// What the DNS responder answers (RFC 1035, RFC 2308): the address of the relay that serves a peer's name. Pure.
import { type Answer, AUTHORITATIVE_ANSWER, type DecodedPacket, type Packet } from 'dns-packet';
import { DNS_TTL_SECONDS } from '../limits.js';

/** RFC 1035 §4.1.1. */
const RCODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
type Rcode = keyof typeof RCODES;
/** Of four bits: a standard query has 0 there. */
const OPCODE_BIT = 11;

export type DnsQuestion =
  | { readonly kind: 'answer'; readonly rcode: Rcode }
  /** Whose address it is that is asked for: the one label before the domain. */
  | { readonly kind: 'name'; readonly label: string }
  | { readonly kind: 'domain' };

/** What is known of a name: no peer has it, one has it, or a relay serves that one at this address. */
export type NameFound = { readonly isKnown: boolean; readonly address: string | null };

/**
 * What a query asks of this domain. Null for what is no query: a response is never answered, so that two responders never
 * talk to each other for ever.
 */
export function readDnsQuestion(query: DecodedPacket, domain: string | null): DnsQuestion | null {
  if (query.type !== 'query') return null;
  if ((((query.flags ?? 0) >> OPCODE_BIT) & 0xf) !== 0) return { kind: 'answer', rcode: 'NOTIMP' };
  const [question, ...more] = query.questions ?? [];
  if (question === undefined || more.length > 0) return { kind: 'answer', rcode: 'FORMERR' };
  // RFC 4343: case does not tell names apart.
  const name = question.name.toLowerCase();
  if (domain === null || question.class !== 'IN') return { kind: 'answer', rcode: 'REFUSED' };
  if (name === domain) return { kind: 'domain' };
  if (!name.endsWith(`.${domain}`)) return { kind: 'answer', rcode: 'REFUSED' };
  const label = name.slice(0, -domain.length - 1);
  return label.includes('.') ? { kind: 'answer', rcode: 'NXDOMAIN' } : { kind: 'name', label };
}

/**
 * The answer to a query.
 *
 * asked   as readDnsQuestion told it
 * found   what is known of the name, where one was asked for
 * domain  of this responder; it is the authority for it
 */
export function dnsAnswer(
  query: DecodedPacket,
  asked: DnsQuestion,
  { found, domain }: { readonly found: NameFound | null; readonly domain: string | null },
): Packet {
  const questions = query.questions ?? [];
  const [question] = questions;
  const reply = (rcode: Rcode, sections: Pick<Packet, 'answers' | 'authorities'> = {}): Packet => ({
    type: 'response',
    id: query.id ?? 0,
    // The question comes back as it was asked, to the case of its letters: resolvers compare it.
    questions: rcode === 'FORMERR' ? [] : questions,
    flags: RCODES[rcode] | (isAuthority(rcode) ? AUTHORITATIVE_ANSWER : 0) | (query.flag_rd ? RECURSION_DESIRED : 0),
    ...sections,
  });
  if (question === undefined || domain === null) return reply(asked.kind === 'answer' ? asked.rcode : 'REFUSED');
  const authorities = [authorityOf(domain)];
  if (asked.kind === 'answer') return reply(asked.rcode, asked.rcode === 'NXDOMAIN' ? { authorities } : {});
  if (asked.kind === 'domain') {
    return question.type === 'SOA' ? reply('NOERROR', { answers: authorities }) : reply('NOERROR', { authorities });
  }
  if (found === null || !found.isKnown) return reply('NXDOMAIN', { authorities });
  const { address } = found;
  const type = address === null ? null : address.includes(':') ? 'AAAA' : 'A';
  if (address === null || type === null || question.type !== type) return reply('NOERROR', { authorities });
  return reply('NOERROR', {
    answers: [{ type, name: question.name, class: 'IN', ttl: DNS_TTL_SECONDS, data: address }],
  });
}

/** dns-packet has no name for this bit: it comes back as it was set (RFC 1035 §4.1.1). */
const RECURSION_DESIRED = 1 << 8;

function isAuthority(rcode: Rcode): boolean {
  return rcode === 'NOERROR' || rcode === 'NXDOMAIN';
}

/** RFC 2308 §3: how long it may be remembered that there is nothing. */
function authorityOf(domain: string): Answer {
  return {
    type: 'SOA',
    name: domain,
    class: 'IN',
    ttl: DNS_TTL_SECONDS,
    data: {
      mname: domain,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 3_600,
      retry: 600,
      expire: 86_400,
      minimum: DNS_TTL_SECONDS,
    },
  };
}

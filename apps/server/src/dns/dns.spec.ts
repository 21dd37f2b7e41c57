// The DNS responder (F2), as resolvers and those who would abuse it meet it: at the running broker, by UDP.
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { type DecodedPacket, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DNS_QUERIES_PER_MINUTE_MAX } from '../limits.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { startRelay } from '../testing/relay-messages.js';
import { TestPeer } from '../testing/test-peer.js';
import { dnsAnswer, readDnsQuestion } from './decide-dns-answer.js';

const DOMAIN = 'peers.example';
const dns = { host: '127.0.0.1', port: 0 };

describe('the DNS responder', () => {
  let fixture: BrokerFixture;
  beforeEach(async () => {
    fixture = await BrokerFixture.start({ relayDomain: DOMAIN }, { dnsListen: dns });
  });
  afterEach(() => fixture.remove());

  function resolver(): Resolver {
    const one = new Resolver({ timeout: 10_000, tries: 1 });
    one.setServers([`127.0.0.1:${fixture.broker.dnsPort}`]);
    return one;
  }
  const codeOf = (asking: Promise<unknown>): Promise<string> =>
    asking.then(
      () => 'answered',
      (error: NodeJS.ErrnoException) => error.code!,
    );

  it('answers the address of the relay that serves a peer, of the family that it has', async () => {
    const peer = await TestPeer.enrol(fixture);
    const relay = await startRelay(fixture);
    await peer.announce(1e9, { relayId: relay.peerId });
    expect(await resolver().resolve4(`box.${DOMAIN}`, { ttl: true })).toEqual([{ address: '127.0.0.1', ttl: 30 }]);
    expect(await resolver().resolve4(`BoX.${DOMAIN.toUpperCase()}`)).toEqual(['127.0.0.1']);
    expect(await codeOf(resolver().resolve6(`box.${DOMAIN}`))).toBe('ENODATA');
    expect(await codeOf(resolver().resolveTxt(`box.${DOMAIN}`))).toBe('ENODATA');
  });

  it('knows a peer that no relay serves without an address, and nobody else', async () => {
    await TestPeer.enrol(fixture);
    expect(await codeOf(resolver().resolve4(`box.${DOMAIN}`))).toBe('ENODATA');
    for (const name of [`nobody.${DOMAIN}`, `a.box.${DOMAIN}`, `_acme.${DOMAIN}`])
      expect(await codeOf(resolver().resolve4(name))).toBe('ENOTFOUND');
  });

  it('refuses every other domain, and is the authority for its own', async () => {
    for (const name of ['example', 'box.example', `box${DOMAIN}`, 'localhost.localdomain'])
      expect(await codeOf(resolver().resolve4(name))).toBe('EREFUSED');
    expect(await resolver().resolveSoa(DOMAIN)).toMatchObject({ nsname: DOMAIN, minttl: 30 });
  });

  it('answers after a thousand messages of noise, and none of those', async () => {
    const socket = createSocket('udp4');
    const answers: Buffer[] = [];
    socket.on('message', (message) => answers.push(message));
    const query = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: `box.${DOMAIN}` }] });
    const response = Buffer.from(
      encode({ type: 'response', id: 1, questions: [{ type: 'A', name: `box.${DOMAIN}` }] }),
    );
    for (let i = 0; i < 1_000; i++) {
      const noise = i % 3 === 0 ? response : Buffer.from(query.subarray(0, i % query.length));
      socket.send(noise, fixture.broker.dnsPort!, '127.0.0.1');
    }
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(await codeOf(resolver().resolve4(`nobody.${DOMAIN}`))).toBe('ENOTFOUND');
    expect(answers).toEqual([]);
    socket.close();
  });

  it('gives one network no more answers than its share of a minute', async () => {
    const socket = createSocket('udp4');
    let answers = 0;
    socket.on('message', () => answers++);
    const asked = async (id: number): Promise<void> => {
      const query = encode({ type: 'query', id, questions: [{ type: 'A', name: 'nobody.example' }] });
      const answered = once(socket, 'message');
      socket.send(query, fixture.broker.dnsPort!, '127.0.0.1');
      await answered;
    };
    for (let i = 0; i < DNS_QUERIES_PER_MINUTE_MAX; i++) await asked(i);
    expect(answers).toBe(DNS_QUERIES_PER_MINUTE_MAX);
    expect(await codeOf(new Promise<never>((_, reject) => noAnswer(reject)))).toBe('ETIMEOUT');
    fixture.clock.advance(60_000);
    await asked(1);
    socket.close();

    function noAnswer(reject: (error: Error) => void): void {
      const one = new Resolver({ timeout: 50, tries: 1 });
      one.setServers([`127.0.0.1:${fixture.broker.dnsPort}`]);
      one.resolve4('nobody.example').catch(reject);
    }
  });
});

describe('answers', () => {
  const query = (packet: Packet): DecodedPacket =>
    decode(Buffer.from(encode({ type: 'query', id: 7, flags: RECURSION_DESIRED, ...packet })));
  const answer = (packet: Packet, found = { isKnown: true, address: '198.51.100.7' }): DecodedPacket | null => {
    const asked = query(packet);
    const question = readDnsQuestion(asked, DOMAIN);
    if (question === null) return null;
    return decode(Buffer.from(encode(dnsAnswer(asked, question, { found, domain: DOMAIN }))));
  };
  const box = { type: 'A', name: `box.${DOMAIN}` } as const;

  it('carry id and question as they were asked, the authority bit, and no recursion', () => {
    const told = answer({ questions: [{ ...box, name: `bOx.${DOMAIN}` }] })!;
    expect(told).toMatchObject({
      id: 7,
      type: 'response',
      flag_aa: true,
      flag_rd: true,
      flag_ra: false,
      flag_tc: false,
    });
    expect(told.questions![0]!.name).toBe(`bOx.${DOMAIN}`);
    expect(told.answers).toMatchObject([{ name: `bOx.${DOMAIN}`, type: 'A', data: '198.51.100.7' }]);
  });

  it('are of the family that was asked for, or none', () => {
    const told = (type: 'A' | 'AAAA', address: string): unknown =>
      answer({ questions: [{ ...box, type }] }, { isKnown: true, address })!.answers!.map(({ type: of }) => of);
    expect([told('A', '198.51.100.7'), told('AAAA', '2001:4860::1')]).toEqual([['A'], ['AAAA']]);
    expect([told('AAAA', '198.51.100.7'), told('A', '2001:4860::1')]).toEqual([[], []]);
  });

  it.each<[string, Packet, string | null]>([
    ['a response', { type: 'response', questions: [box] }, null],
    ['an update', { flags: 5 << 11, questions: [box] }, 'NOTIMP'],
    ['no question', { questions: [] }, 'FORMERR'],
    ['two questions', { questions: [box, box] }, 'FORMERR'],
    ['another class', { questions: [{ ...box, class: 'CH' }] }, 'REFUSED'],
    ['another domain', { questions: [{ ...box, name: 'box.example' }] }, 'REFUSED'],
    ['a name below a name', { questions: [{ ...box, name: `a.box.${DOMAIN}` }] }, 'NXDOMAIN'],
  ])('of %s', (_name, packet, rcode) => {
    const told = answer(packet) as (DecodedPacket & { rcode: string }) | null;
    expect(told?.rcode ?? null).toBe(rcode);
    expect(told?.answers ?? []).toEqual([]);
  });

  it('are never larger than four times the query and 512 bytes, for names of every length', () => {
    for (const label of ['a', 'a'.repeat(63)])
      for (const type of ['A', 'AAAA', 'ANY', 'TXT', 'SOA', 'NS'] as const)
        for (const name of [`${label}.${DOMAIN}`, DOMAIN, `${label}.${label}.${label}`]) {
          const asked = query({ questions: [{ type: type as 'A', name }] });
          const question = readDnsQuestion(asked, DOMAIN)!;
          for (const address of ['198.51.100.7', '2001:4860::1', null]) {
            const found = { isKnown: address !== null, address };
            const sizeBytes = encode(dnsAnswer(asked, question, { found, domain: DOMAIN })).length;
            const askedBytes = encode(asked).length;
            expect(sizeBytes).toBeLessThanOrEqual(Math.min(512, 4 * askedBytes));
          }
        }
  });
});

// Datagrams over the machine's own loopback: everybody hears what is said, processes share the port, answers find the asker.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { openLog, SystemClock } from '#process';
import { addressTowards, loopbackInterfaces } from './lan-interfaces.js';
import type { LanOrigin } from './lan-medium.js';
import { LAN_RULES } from './lan-rules.js';
import { LanSocket } from './lan-socket.js';

const rules = { ...LAN_RULES, port: randomInt(20_000, 32_000) };
const open: LanSocket[] = [];

async function newSocket(): Promise<{ socket: LanSocket; next: () => Promise<{ text: string; from: LanOrigin }> }> {
  const socket = new LanSocket({
    clock: new SystemClock(),
    log: openLog('test', 'silent'),
    rules,
    interfaces: loopbackInterfaces,
  });
  open.push(socket);
  const heard: { text: string; from: LanOrigin }[] = [];
  const waiting: ((one: { text: string; from: LanOrigin }) => void)[] = [];
  expect(
    await socket.open((datagram, from) => {
      const one = { text: Buffer.from(datagram).toString(), from };
      const waiter = waiting.shift();
      if (waiter === undefined) heard.push(one);
      else waiter(one);
    }),
  ).toBe(true);
  return {
    socket,
    next: () => {
      const one = heard.shift();
      return one === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(one);
    },
  };
}

afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

describe('LanSocket (T1)', () => {
  it('lets every process of a machine hear what is said to everybody, and answer the one who asked', async () => {
    const [asker, first, second] = [await newSocket(), await newSocket(), await newSocket()];
    asker.socket.send(Buffer.from('who has it?'));
    const heard = await first.next();
    expect(heard.text).toBe('who has it?');
    expect((await second.next()).text).toBe('who has it?');
    second.socket.reply(Buffer.from('I have'), heard.from);
    let answer = await asker.next();
    while (answer.text !== 'I have') answer = await asker.next();
    expect(answer.from.address).toBe('127.0.0.1');
  });

  it('cannot take part where another program has the port for itself', async () => {
    const owner = createSocket('udp4');
    const taken = await new Promise<number>((resolve) => owner.bind(0, () => resolve(owner.address().port)));
    const other = createSocket({ type: 'udp6', ipv6Only: true });
    await new Promise<void>((resolve) => other.bind(taken, () => resolve()).on('error', () => resolve()));
    const socket = new LanSocket({
      clock: new SystemClock(),
      log: openLog('test', 'silent'),
      rules: { ...rules, port: taken },
      interfaces: loopbackInterfaces,
    });
    open.push(socket);
    expect(await socket.open(() => undefined)).toBe(false);
    owner.close();
    other.close();
  });
});

describe('addressTowards', () => {
  const lan = { name: 'eth0', family: 'ipv4', address: '192.168.1.20', bits: 24, broadcast: '192.168.1.255' } as const;
  const link = { name: 'eth0', family: 'ipv6', address: 'fe80::20', bits: 64, broadcast: null } as const;
  const other = { name: 'eth1', family: 'ipv6', address: 'fe80::21', bits: 64, broadcast: null } as const;

  it('is the own address in the network of the other', () => {
    const all = [lan, other, link];
    expect(addressTowards('192.168.1.7', all)).toBe('192.168.1.20');
    expect(addressTowards('192.168.2.7', all)).toBeNull();
    expect(addressTowards('fe80::7%eth0', all)).toBe('fe80::20');
    expect(addressTowards('fe80::7%eth1', all)).toBe('fe80::21');
    expect(addressTowards('fe80::7%eth2', all)).toBeNull();
  });
});

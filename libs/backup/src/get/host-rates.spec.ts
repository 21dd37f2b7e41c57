// The order in which hosts are asked: unmeasured, then fast, then slow, then failed.
import { describe, expect, it } from 'vitest';
import { type PeerId, uuidV7 } from '#protocol';
import { HostRates } from './host-rates.js';

const peer = (fill: number): PeerId => uuidV7<PeerId>(1_000, new Uint8Array(10).fill(fill));
const [A, B, C, D] = [peer(1), peer(2), peer(3), peer(4)] as const;

describe('HostRates', () => {
  it('ranks hosts that nobody has measured above all, and failed ones below all', () => {
    const rates = new HostRates();
    rates.measured(B, 1_000_000_000, 1);
    rates.measured(C, 1, 1_000_000);
    rates.failed(D);
    expect([D, C, B, A].sort((left, right) => rates.of(right) - rates.of(left))).toEqual([A, B, C, D]);
    expect(rates.of(D)).toBe(0);
  });

  it('is bytes a second at first, then moves by three tenths of the difference', () => {
    const rates = new HostRates();
    rates.measured(A, 1_000, 500);
    expect(rates.of(A)).toBe(2_000);
    rates.measured(A, 1_000, 1_000);
    expect(rates.of(A)).toBeCloseTo(1_700);
  });

  it('lets a failed host come back by serving', () => {
    const rates = new HostRates();
    rates.failed(A);
    rates.measured(A, 1_000, 1_000);
    expect(rates.of(A)).toBeCloseTo(300);
  });

  it('survives a transfer that took no time', () => {
    const rates = new HostRates();
    rates.measured(A, 1_000, 0);
    expect(rates.of(A)).toBe(1_000_000);
  });

  it('takes for usual what hosts have done, not what somebody did not wait for', () => {
    const rates = new HostRates();
    rates.keptWaiting(A, 10, 1_500);
    expect(rates.typical()).toBe(null);
    expect(rates.of(A)).toBeCloseTo(6.67);
    for (const [host, bytes] of [
      [B, 1_000],
      [C, 3_000],
      [D, 2_000],
    ] as const)
      rates.measured(host, bytes, 1_000);
    expect(rates.typical()).toBe(2_000);
    for (let i = 0; i < 20; i++) rates.keptWaiting(D, 10, 1_000);
    expect(rates.of(D)).toBeLessThan(20);
    expect(rates.typical()).toBe(2_000);
    rates.failed(D);
    expect(rates.typical()).toBe(3_000);
  });

  it('remembers a bounded number of hosts, and the known ones still change', () => {
    const rates = new HostRates();
    const many = Array.from({ length: 5_000 }, (_, i) => `host-${i}` as PeerId);
    for (const host of many) rates.measured(host, 1_000, 1_000);
    const remembered = many.filter((host) => rates.of(host) === 1_000);
    expect(remembered).toHaveLength(4_096);
    rates.failed(many[0]!);
    expect(rates.of(many[0]!)).toBe(0);
  });
});

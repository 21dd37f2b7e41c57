// Tests that need networks of their own: they run where namespaces can be made, and elsewhere say why they do not.
import { describe, expect, it } from 'vitest';
import { whyNoNamespaces } from './namespace-lab.js';

export function describeInNamespaces(name: string, tests: () => void): void {
  const why = whyNoNamespaces();
  if (why === null) {
    describe(name, { timeout: 120_000 }, tests);
    return;
  }
  // A machine that is root on Linux with iproute2 and nftables has no such reason.
  it(`${name}: not here, ${why}`, () => expect(why).toMatch(/\S/));
}

// What counts as one network of hosts (B24, B25).
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#protocol';
import { networkOfHost } from './network-of-host.js';

const peerId = 'a' as PeerId;

describe('networkOfHost', () => {
  it.each([
    ['8.8.4.200', '8.8.4.0/24', '8.8.4.0/24'],
    ['::ffff:8.8.4.200', '8.8.4.0/24', '8.8.4.0/24'],
    ['2a00:1450:4001:80b::1', '2a00:1450:4001::/48', '2a00:1450:4001::/48'],
    ['2a00:1450:4001:ffff::2', '2a00:1450:4001::/48', '2a00:1450:4001::/48'],
    ['192.168.1.7', 'peer a', '192.168.1.0/24'],
    ['127.0.0.1', 'peer a', '127.0.0.0/24'],
  ])('%s is of %s, or of %s where all count', (address, network, whereAllCount) => {
    expect(networkOfHost({ peerId, address }, 'public')).toBe(network);
    expect(networkOfHost({ peerId, address }, 'all')).toBe(whereAllCount);
  });
});

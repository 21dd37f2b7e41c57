// Space is promised once: to what is stored, to what is under way, and to the rest of the machine.
import { describe, expect, it } from 'vitest';
import { FREE_SPACE_MARGIN_BYTES } from '../limits.js';
import { SpaceLedger } from './space-ledger.js';

function ledger(of: { used?: number; share?: number; free?: number } = {}): SpaceLedger {
  const { used = 0, share = 100, free = 1_000 } = of;
  return new SpaceLedger(
    { shardCount: 1, usedBytes: used },
    { shareBytes: () => share, freeBytes: () => FREE_SPACE_MARGIN_BYTES + free },
  );
}

describe('the space of a host', () => {
  it.each([
    ['the share', ledger({ share: 100 }), 100],
    ['the share less what is used', ledger({ share: 100, used: 40 }), 60],
    ['the disk less its margin', ledger({ share: 100, free: 30 }), 30],
    ['nothing when the owner shares less than is used', ledger({ share: 10, used: 40 }), 0],
  ])('is %s', (_name, space, leftBytes) => {
    expect(space.leftBytes).toBe(leftBytes);
    space.reserve(leftBytes);
    expect(() => space.reserve(1)).toThrowError(expect.objectContaining({ code: 'host_full' }));
  });

  it('comes back when a transfer fails, and stays taken when it succeeds', () => {
    const space = ledger({ share: 100 });
    const [failed, kept, same] = [space.reserve(30), space.reserve(30), space.reserve(40)];
    expect(space.leftBytes).toBe(0);
    failed.end(0);
    kept.end(30);
    same.end(0);
    expect([space.leftBytes, space.usedBytes, space.shardCount]).toEqual([70, 30, 2]);
  });
});

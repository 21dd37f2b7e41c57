// What hosts are told to refuse: bounded, and still every token of every client that was shut out.
import { describe, expect, it } from 'vitest';
import { formatTime, type PeerId, WITHDRAWN_CLIENTS_MAX, WITHDRAWN_KITS_MAX } from '#protocol';
import { WithdrawnTokenList } from './withdrawn-tokens.js';

const LIFE_MS = 1_000_000;
const NOW_MS = 1_800_000_000_000;
const peer = (n: number): PeerId => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}` as PeerId;

describe('WithdrawnTokenList', () => {
  it('names a client until no token of it can live, and no longer once it is let in', () => {
    const list = new WithdrawnTokenList(LIFE_MS);
    list.shutOut(peer(1), NOW_MS);
    list.shutOut(peer(2), NOW_MS + 1);
    expect(list.at(NOW_MS + LIFE_MS)).toEqual({ clients: [peer(1), peer(2)], issuedBefore: null });
    expect(list.at(NOW_MS + LIFE_MS + 1)).toEqual({ clients: [peer(2)], issuedBefore: null });
    list.letIn(peer(2));
    expect(list.at(NOW_MS + LIFE_MS + 1).clients).toEqual([]);
  });

  it('past its bound withdraws every token as old as those of the clients it leaves out', () => {
    const list = new WithdrawnTokenList(LIFE_MS);
    for (let n = 0; n < WITHDRAWN_CLIENTS_MAX + 3; n++) list.shutOut(peer(n), NOW_MS + n);
    const { clients, issuedBefore } = list.at(NOW_MS + 5_000);
    expect([clients.length, clients[0], issuedBefore]).toEqual([
      WITHDRAWN_CLIENTS_MAX,
      peer(3),
      formatTime(NOW_MS + 2),
    ]);
    // Tokens that old have ended by then.
    expect(list.at(NOW_MS + 2 + LIFE_MS + 1).issuedBefore).toBeNull();
  });

  it('leaves out the kits withdrawn earliest, and names the time of the latest of them for as long as they last', () => {
    const list = new WithdrawnTokenList(LIFE_MS);
    for (let n = 0; n < WITHDRAWN_CLIENTS_MAX; n++) list.shutOut(peer(n), NOW_MS + n);
    // The latest first, so that the order in which they come does not choose.
    const kits = Array.from({ length: WITHDRAWN_KITS_MAX + 2 }, (_, n) => ({
      clientId: peer(9_000 + n),
      atMs: NOW_MS - n,
    }));
    const { clients, issuedBefore } = list.at(NOW_MS + 5_000, kits);
    expect(clients).toHaveLength(WITHDRAWN_CLIENTS_MAX);
    expect(clients.filter((id) => kits.some(({ clientId }) => clientId === id))).toHaveLength(WITHDRAWN_KITS_MAX);
    // The latest of the machines that are left out; kits that are left out went before.
    expect(issuedBefore).toBe(formatTime(NOW_MS + WITHDRAWN_KITS_MAX - 1));
    const monthsLater = list.at(NOW_MS + 2 * LIFE_MS, kits);
    expect(monthsLater).toEqual({ clients: kits.map(({ clientId }) => clientId), issuedBefore: null });
  });

  it('gives kits the room that machines leave, and says no time later than their withdrawal', () => {
    const kits = Array.from({ length: WITHDRAWN_CLIENTS_MAX + 2 }, (_, n) => ({ clientId: peer(n), atMs: NOW_MS + n }));
    const { clients, issuedBefore } = new WithdrawnTokenList(LIFE_MS).at(NOW_MS + 9 * LIFE_MS, kits);
    expect([clients.length, clients.includes(peer(1)), clients.includes(peer(2))]).toEqual([
      WITHDRAWN_CLIENTS_MAX,
      false,
      true,
    ]);
    expect(issuedBefore).toBe(formatTime(NOW_MS + 1));
  });
});

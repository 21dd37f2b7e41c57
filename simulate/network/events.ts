// What can happen in the simulated network, by the numbers that the event queue keeps.

/** What can happen; the subject of each is in brackets, and `peer` events carry its generation as their stamp. */
export const EVENT = {
  death: 0, // (peer)
  away: 1, // (peer)
  back: 2, // (peer)
  writeOff: 3, // (peer) has been away for too long
  graveFound: 4, // (number of a grave) a dead peer has been away for too long
  rot: 5, // one shard somewhere
  rotSeen: 6, // (slot) its host reads it
  drop: 13, // (slot) its host took it, and does not keep it
  auditHit: 7, // (peer) an audit asks for what it does not have
  auditCalm: 8, // (peer) enough good audits after that
  repairDue: 9, // (object) in place of the queue, with exponential repair times
  repairDone: 10, // (object)
  tick: 11, // an hour of the broker: what waits is looked at again
  day: 12,
} as const;

// Refusals about ways to a peer: relays and their leases, neighbours on the local network and their approvals.
import { type ErrorRow, row } from './error-row.js';

export const ROUTE_ERRORS = {
  lease_invalid: row(403, false, 'the lease is not one of this broker', 'Ask the broker for a new one.'),
  lease_wrong_relay: row(403, false, 'the lease is for another relay', 'Ask the broker which relay serves this peer.'),
  lease_wrong_peer: row(
    403,
    false,
    'the lease is for another peer',
    'Show the lease that the broker gave to this peer.',
  ),
  lease_expired: row(403, true, 'the lease has ended', 'Ask the broker for a new one.'),
  lease_spent: row(403, true, 'the lease has moved all the bytes that it allows', 'Ask the broker for a new one.'),
  relay_unavailable: row(503, true, 'no relay has room for this peer', 'Try again later, or open a port.'),
  relay_full: row(503, true, 'this relay serves as many as it can', 'Ask the broker for another relay.'),
  relay_unknown: row(403, false, 'this peer is no relay', 'Enrol it with a key that was made for relays.'),
  relay_not_allowed: row(
    403,
    false,
    'a relay carries, and neither stores nor owns anything',
    'Use a machine that was enrolled with an ordinary key.',
  ),
  peer_not_attached: row(502, true, 'the peer is not connected to this relay', 'Ask the broker where it is now.'),
  name_unknown: row(404, false, 'no peer has this name', 'Look at the name again.'),
  approval_invalid: row(403, false, 'the approval is not one of this broker', 'Take the answer of another neighbour.'),
  approval_wrong_alias: row(403, false, 'the approval is for another address', 'Take the answer of another neighbour.'),
  approval_wrong_task: row(403, false, 'the approval is for another task', 'Take the answer of another neighbour.'),
  approval_wrong_peer: row(403, false, 'the approval is for another peer', 'Take the answer of another neighbour.'),
  approval_expired: row(403, true, 'the approval is too old', 'Take the answer of another neighbour.'),
  alias_refused: row(
    403,
    false,
    'neighbours are not reached at this address',
    'Listen on an address of the local network.',
  ),
} as const satisfies Record<string, ErrorRow>;

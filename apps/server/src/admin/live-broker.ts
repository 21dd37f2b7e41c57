// What of the running broker the admin interface looks at and changes: the public application's own parts, not copies.
import type { INestApplicationContext } from '@nestjs/common';
import { MeasureNetwork } from '../history/measure-network.js';
import { TransactionKeys } from '../keys/transaction-keys.js';
import { Ledger } from '../ledger/ledger.js';
import type { WatchLedger } from '../ledger/watch-ledger.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { OnlineRelays } from '../relays/online-relays.js';

/**
 * One object with the parts as fields: given to the admin application one by one, Nest would start and end each of them a
 * second time.
 */
export class LiveBroker {
  constructor(
    readonly peers: PeerDirectory,
    readonly hosts: OnlineHosts,
    readonly relays: OnlineRelays,
    readonly transactionKeys: TransactionKeys,
    readonly refusals: RefusalCounts,
    readonly ledger: Ledger,
    readonly watchLedger: WatchLedger,
    readonly measureNetwork: MeasureNetwork,
  ) {}

  static of(app: INestApplicationContext, watchLedger: WatchLedger): LiveBroker {
    const anywhere = { strict: false };
    return new LiveBroker(
      app.get(PeerDirectory, anywhere),
      app.get(OnlineHosts, anywhere),
      app.get(OnlineRelays, anywhere),
      app.get(TransactionKeys, anywhere),
      app.get(RefusalCounts, anywhere),
      app.get(Ledger, anywhere),
      watchLedger,
      app.get(MeasureNetwork, anywhere),
    );
  }
}

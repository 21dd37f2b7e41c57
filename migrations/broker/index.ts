// The broker's migrations, oldest first.
import { FirstTables1795000000000 } from './1795000000000-first-tables.js';
import { DeviceGrants1795000000100 } from './1795000000100-device-grants.js';
import { Accounts1795000000150 } from './1795000000150-accounts.js';
import { KeysThatTurnOver1795000000200 } from './1795000000200-keys-that-turn-over.js';
import { AllTransactionTypes1795000000300 } from './1795000000300-all-transaction-types.js';
import { HomeEpochs1795000000400 } from './1795000000400-home-epochs.js';
import { HostProbes1795000000500 } from './1795000000500-host-probes.js';
import { Escrow1795000000600 } from './1795000000600-escrow.js';
import { ShardsThatMove1795000000720 } from './1795000000720-shards-that-move.js';
import { AppendOnly1795000000740 } from './1795000000740-append-only.js';
import { Exchange1795000001100 } from './1795000001100-exchange.js';
import { PeerStates1795000001200 } from './1795000001200-peer-states.js';
import { Audits1795000001300 } from './1795000001300-audits.js';
import { Repairs1795000001400 } from './1795000001400-repairs.js';
import { Admin1795000001500 } from './1795000001500-admin.js';
import { NetworkSamples1795000001600 } from './1795000001600-network-samples.js';
import { Alerts1795000001650 } from './1795000001650-alerts.js';
import { Wishes1795000001700 } from './1795000001700-wishes.js';
import { Console1795000001800 } from './1795000001800-console.js';
import { LostPlaces1795000001900 } from './1795000001900-lost-places.js';
import { RepairsDue1795000002200 } from './1795000002200-repairs-due.js';
import { RepairsOperator1795000002300 } from './1795000002300-repairs-operator.js';
import { SigningKeys1795000003100 } from './1795000003100-signing-keys.js';
import { Relays1795000003110 } from './1795000003110-relays.js';
import { RecoveryKits1795000003300 } from './1795000003300-recovery-kits.js';

export const brokerMigrations = [
  FirstTables1795000000000,
  DeviceGrants1795000000100,
  Accounts1795000000150,
  KeysThatTurnOver1795000000200,
  AllTransactionTypes1795000000300,
  HomeEpochs1795000000400,
  Escrow1795000000600,
  HostProbes1795000000500,
  ShardsThatMove1795000000720,
  AppendOnly1795000000740,
  Exchange1795000001100,
  PeerStates1795000001200,
  Audits1795000001300,
  Repairs1795000001400,
  Admin1795000001500,
  Wishes1795000001700,
  NetworkSamples1795000001600,
  Alerts1795000001650,
  Console1795000001800,
  LostPlaces1795000001900,
  RepairsDue1795000002200,
  RepairsOperator1795000002300,
  SigningKeys1795000003100,
  Relays1795000003110,
  RecoveryKits1795000003300,
] as const;

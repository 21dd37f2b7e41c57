// How the backups of an account are, machine by machine, as far as the broker knows: objects, bytes, hosts, what is missing.
import { Injectable } from '@nestjs/common';
import { type AccountId, formatTime, type PeerId } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { BackupsAnswer, MachineBackups } from './console-answers.js';

type Numeric = number | string;

interface ClassRow {
  client_id: string | null;
  name: string | null;
  durability: string;
  objects: Numeric;
  bytes: string;
  below_full: Numeric;
  below_safe: Numeric;
  last_at_ms: Numeric | null;
}

@Injectable()
export class OwnBackups {
  constructor(private readonly database: BrokerDatabase) {}

  async run(accountId: AccountId): Promise<BackupsAnswer> {
    const db = this.database.reads;
    const rows = await db.query<ClassRow[]>(
      `SELECT o.client_id AS client_id, MAX(p.name) AS name, o.durability AS durability, COUNT(*) AS objects,
         CAST(SUM(o.size_bytes) AS text) AS bytes,
         SUM(CASE WHEN o.stored_shards < o.total_shards THEN 1 ELSE 0 END) AS below_full,
         SUM(CASE WHEN o.stored_shards < o.safe_shards THEN 1 ELSE 0 END) AS below_safe,
         MAX(CASE WHEN o.kind = 'snapshot' AND o.stored_shards >= o.safe_shards THEN o.created_at_ms END) AS last_at_ms
       FROM objects o LEFT JOIN peers p ON p.id = o.client_id AND p.account_id = o.account_id
       WHERE o.account_id = $1 AND o.deleted_at_ms IS NULL
       GROUP BY o.client_id, o.durability ORDER BY o.client_id, o.durability`,
      [accountId],
    );
    const hosts = await db.query<{ client_id: string | null; hosts: Numeric }[]>(
      `SELECT o.client_id AS client_id, COUNT(DISTINCT s.host_id) AS hosts
       FROM objects o JOIN shards s ON s.object_id = o.id
       WHERE o.account_id = $1 AND o.deleted_at_ms IS NULL AND s.state = 'stored' GROUP BY o.client_id`,
      [accountId],
    );
    const hostsOf = new Map(hosts.map((row) => [row.client_id, Number(row.hosts)]));
    const machines = new Map<string | null, ClassRow[]>();
    for (const row of rows) machines.set(row.client_id, [...(machines.get(row.client_id) ?? []), row]);
    return { items: [...machines].map(([clientId, classes]) => machineFrom(classes, hostsOf.get(clientId) ?? 0)) };
  }
}

/** classes   not empty, all of one machine */
function machineFrom(classes: readonly ClassRow[], hosts: number): MachineBackups {
  const { client_id, name } = classes[0]!;
  const sum = (of: (row: ClassRow) => Numeric): number => classes.reduce((all, row) => all + Number(of(row)), 0);
  const lastAtMs = Math.max(...classes.map((row) => Number(row.last_at_ms ?? 0)));
  return {
    // Of a guest of a group there is an id, and no machine of this account.
    peerId: name === null ? null : (client_id as PeerId),
    name,
    lastSnapshotAt: lastAtMs === 0 ? null : formatTime(lastAtMs),
    objects: sum((row) => row.objects),
    bytes: `${classes.reduce((all, row) => all + BigInt(row.bytes), 0n)}`,
    hosts,
    belowFull: sum((row) => row.below_full),
    belowSafe: sum((row) => row.below_safe),
    classes: classes.map(({ durability, objects, bytes }) => ({ durability, objects: Number(objects), bytes })),
  };
}

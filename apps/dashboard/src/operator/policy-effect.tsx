// What another policy would change: its fields, and the network as it is.
import { formatCount } from '../shared/format.js';
import { Empty } from '../shared/notes.js';
import { Table } from '../shared/table.js';

interface BeforeAndAfter<T> {
  readonly before: T;
  readonly after: T;
}

interface Code {
  readonly dataShards: number;
  readonly totalShards: number;
  readonly safeShards: number;
}

export interface PolicyChange {
  /** Null for a dry run. */
  readonly version: number | null;
  readonly changes: readonly { readonly field: string; readonly from: unknown; readonly to: unknown }[];
  readonly waitsForRestart: readonly string[];
  readonly effect: {
    readonly eligibleHosts: BeforeAndAfter<number>;
    readonly redundancy: readonly (BeforeAndAfter<Code | null> & { readonly durability: string })[];
    readonly objects: {
      readonly total: number;
      readonly belowThreshold: BeforeAndAfter<number>;
      readonly ofAnotherCode: BeforeAndAfter<number>;
    };
    readonly transactionKeysToRenew: BeforeAndAfter<number>;
    readonly accounts: { readonly total: number; readonly affected: number };
  };
}

export function PolicyEffect({ change }: { readonly change: PolicyChange }) {
  const { changes, waitsForRestart } = change;
  return (
    <section aria-label="What it would change" class="effect">
      <h3>Fields</h3>
      {changes.length === 0 ? (
        <Empty title="No field changes" />
      ) : (
        <Table
          caption="Fields that change"
          rows={changes}
          rowKey={({ field }) => field}
          columns={[
            { title: 'Field', cell: ({ field }) => <code>{field}</code> },
            { title: 'Now', isText: true, cell: ({ from }) => <Value of={from} kind="del" /> },
            { title: 'Then', isText: true, cell: ({ to }) => <Value of={to} kind="ins" /> },
            {
              title: 'When',
              cell: ({ field }) => (waitsForRestart.includes(field.split('.')[0]!) ? 'at the next start' : 'at once'),
            },
          ]}
        />
      )}
      <h3>The network as it is</h3>
      <Table
        caption="What it would change in the network"
        rows={linesOf(change)}
        rowKey={([what]) => what}
        columns={[
          { title: 'What', isText: true, cell: ([what]) => what },
          { title: 'Now', isNumber: true, cell: ([, now]) => now },
          { title: 'Then', isNumber: true, cell: ([, now, then]) => (now === then ? then : <strong>{then}</strong>) },
        ]}
      />
    </section>
  );
}

function Value({ of, kind }: { readonly of: unknown; readonly kind: 'del' | 'ins' }) {
  const text = JSON.stringify(of);
  return <span class="diff">{kind === 'del' ? <del>{text}</del> : <ins>{text}</ins>}</span>;
}

type Line = readonly [what: string, now: string, then: string];

function linesOf({ effect }: PolicyChange): Line[] {
  const { eligibleHosts, redundancy, objects, transactionKeysToRenew, accounts } = effect;
  const counted = (what: string, { before, after }: BeforeAndAfter<number>): Line => [
    what,
    formatCount(before),
    formatCount(after),
  ];
  return [
    counted('Hosts that could take a shard', eligibleHosts),
    ...redundancy.map(
      ({ durability, before, after }): Line => [
        `Code of new objects of ${durability}`,
        codeText(before),
        codeText(after),
      ],
    ),
    counted(`Objects below their threshold, of ${formatCount(objects.total)}`, objects.belowThreshold),
    counted('Objects of another code than new ones get', objects.ofAnotherCode),
    counted('Transaction keys to renew', transactionKeysToRenew),
    [`Accounts that earn otherwise, of ${formatCount(accounts.total)}`, '–', formatCount(accounts.affected)],
  ];
}

function codeText(code: Code | null): string {
  return code === null ? 'none' : `${code.dataShards} of ${code.totalShards}, safe with ${code.safeShards}`;
}

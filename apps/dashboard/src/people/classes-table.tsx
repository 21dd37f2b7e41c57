// Durability classes: what each costs, what free credit buys of it, and how likely an object survives a year.
import { Bytes } from '../shared/bytes.js';
import { formatSurvival } from '../shared/format.js';
import { Pill } from '../shared/pill.js';
import { Table } from '../shared/table.js';
import type { CreditAnswer } from './answers.js';

type CreditClass = CreditAnswer['classes'][number];

export function ClassesTable({ classes }: { readonly classes: readonly CreditClass[] }) {
  return (
    <Table
      caption="Durability classes"
      rows={classes}
      rowKey={({ durability }) => durability}
      columns={[
        {
          title: 'Class',
          cell: ({ durability, isDefault }) => (
            <>
              {durability} {isDefault && <Pill tone="quiet">default</Pill>}
            </>
          ),
        },
        { title: 'Price', isNumber: true, cell: ({ ratio }) => `${ratio} ×` },
        {
          title: 'Code',
          cell: ({ code }) =>
            code === null ? (
              <span class="fine">too few hosts</span>
            ) : (
              `any ${code.dataShards} of ${code.totalShards} shards`
            ),
        },
        { title: 'Free credit buys', isNumber: true, cell: ({ backupBytes }) => <Bytes of={backupBytes} /> },
        { title: 'Survives a year', isText: true, cell: (each) => <Survival of={each} /> },
      ]}
    />
  );
}

/** What is known of the past of other objects; nobody can promise it of one. */
function Survival({ of: { survival } }: { readonly of: CreditClass }) {
  if (survival === null) return <span class="fine">not known</span>;
  const { perYear, nines, basis, measuredOverHostYears } = survival;
  const years = `${measuredOverHostYears.toFixed(measuredOverHostYears < 10 ? 1 : 0)} host-years`;
  return (
    <>
      {formatSurvival(perYear, nines)}
      <span class="why">{basis === 'measured' ? `measured over ${years}` : `assumed, after ${years} so far`}</span>
    </>
  );
}

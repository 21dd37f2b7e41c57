// Alerts that stand: what the broker would have somebody look at.
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Table } from '../shared/table.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import type { PageAnswer } from '../shared/use-pages.js';

interface Alert {
  readonly alertId: string;
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
  readonly state: 'active' | 'ended';
  readonly beganAt: string;
  readonly endedAt: string | null;
}

/** Those that stand; `withEnded`: also those that are over. Without any, nothing is shown. */
export function AlertsPanel({ withEnded = false }: { readonly withEnded?: boolean }) {
  const path = `/v1/admin/alerts?limit=20${withEnded ? '' : '&state=active'}`;
  const { data } = useData<PageAnswer<Alert>>(path, 15_000);
  if (data === null || data.items.length === 0) return null;
  return (
    <Panel title="Alerts">
      <Table
        caption={withEnded ? 'Alerts, the newest first' : 'Alerts that stand'}
        rows={data.items}
        rowKey={({ alertId }) => alertId}
        columns={[
          {
            title: 'Alert',
            cell: ({ title, state }) => (
              <>
                {title}{' '}
                <Pill tone={state === 'active' ? 'bad' : 'quiet'}>{state === 'active' ? 'stands' : 'over'}</Pill>
              </>
            ),
          },
          { title: 'Began', cell: ({ beganAt }) => <Age at={beganAt} /> },
          { title: 'What', isText: true, cell: ({ detail }) => detail },
        ]}
      />
    </Panel>
  );
}

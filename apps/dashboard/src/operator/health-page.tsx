// How each part of the broker is, its alerts, its admin keys and the rotations of its key-encryption key.
import { useState } from 'preact/hooks';
import { Freshness } from '../shared/freshness.js';
import { Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Table } from '../shared/table.js';
import { useData } from '../shared/use-data.js';
import { AdminKeysPanel } from './admin-keys-panel.js';
import { AlertsPanel } from './alerts-panel.js';
import type { Health } from './answers.js';
import { HealthPill } from './health-pill.js';
import { useMay } from './role.js';
import { RotationsPanel } from './rotations-panel.js';

export function HealthPage() {
  const [isDeep, setIsDeep] = useState(false);
  const [maySupport, mayOperate] = [useMay('support'), useMay('operator')];
  const health = useData<Health>(`/v1/admin/health${isDeep ? '?deep=true' : ''}`, isDeep ? null : 5_000);
  const { data, refusal } = health;
  return (
    <Page
      title="Health"
      aside={
        <>
          <Freshness {...health} />
          {maySupport && (
            <button type="button" class="quiet" onClick={() => setIsDeep(!isDeep)}>
              {isDeep ? 'Look every few seconds' : 'Also add up ledger and log'}
            </button>
          )}
        </>
      }
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && (
        <Panel title="Parts" aside={<HealthPill state={data.state} />}>
          <Table
            caption="Parts of the broker"
            rows={data.parts}
            rowKey={({ part }) => part}
            columns={[
              { title: 'Part', cell: ({ part }) => part },
              { title: 'State', cell: ({ state }) => <HealthPill state={state} /> },
              { title: 'Cause', isText: true, cell: ({ cause }) => cause ?? <span class="fine">nothing to say</span> },
            ]}
          />
        </Panel>
      )}
      <AlertsPanel withEnded />
      {mayOperate && <AdminKeysPanel />}
      {maySupport && <RotationsPanel />}
    </Page>
  );
}

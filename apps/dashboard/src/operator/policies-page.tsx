// Policies: the one in force, an editor that shows what a change would do before it is made, and all versions.
import { useState } from 'preact/hooks';
import { get } from '../shared/api.js';
import { Freshness } from '../shared/freshness.js';
import { List } from '../shared/list.js';
import { DoneNote, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Scroll } from '../shared/scroll.js';
import { Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { usePages } from '../shared/use-pages.js';
import { PolicyEditor } from './policy-editor.js';
import { useMay } from './role.js';

export interface PolicyVersion {
  readonly version: number;
  readonly origin: string;
  readonly madeBy: string;
  readonly reason: string;
  readonly at: string;
}

export interface CurrentPolicy extends PolicyVersion {
  readonly written: object;
  readonly policy: object;
  readonly waitsForRestart: readonly string[];
}

export function PoliciesPage() {
  const current = useData<CurrentPolicy>('/v1/admin/policies/current', 15_000);
  const versions = usePages<PolicyVersion>('/v1/admin/policies?limit=20');
  const [done, setDone] = useState<string | null>(null);
  /** What the editor begins with: another number of `from` is another beginning. */
  const [begun, setBegun] = useState<{ readonly from: number; readonly text: string } | null>(null);
  const mayChange = useMay('operator');
  const { data, refusal } = current;
  const applied = async (version: number): Promise<void> => {
    setDone(`Version ${version} is in force.`);
    setBegun(null);
    await Promise.all([current.reload(), versions.reload()]);
  };
  const load = async (version: number): Promise<void> => {
    const { written } = await get<CurrentPolicy>(`/v1/admin/policies/${version}`);
    setBegun({ from: version, text: jsonText(written) });
  };
  return (
    <Page
      title="Policies"
      lead={data === null ? undefined : `Version ${data.version} is in force.`}
      aside={<Freshness {...current} />}
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {done !== null && <DoneNote>{done}</DoneNote>}
      {data !== null && (
        <>
          {data.waitsForRestart.length > 0 && (
            <div class="note warn">
              <p>Wait for the next start of the broker: {data.waitsForRestart.join(', ')}</p>
            </div>
          )}
          {mayChange && (
            <Panel
              title={begun === null ? 'Change it' : `Change it, from version ${begun.from}`}
              aside={
                <button type="button" class="quiet" onClick={() => setBegun(null)}>
                  Begin from the one in force
                </button>
              }
            >
              <PolicyEditor
                key={`${data.version} ${begun?.from}`}
                basedOn={data.version}
                begunWith={begun?.text ?? jsonText(data.written)}
                onApplied={applied}
              />
            </Panel>
          )}
          <Panel title="Versions">
            <List
              list={versions}
              caption="Versions, the newest first"
              rowKey={({ version }) => `${version}`}
              empty="No version"
              columns={[
                {
                  title: 'Version',
                  cell: ({ version }) => (
                    <>
                      {version} {version === data.version && <Pill tone="good">in force</Pill>}
                    </>
                  ),
                },
                { title: 'Set', cell: ({ at }) => <Time at={at} /> },
                { title: 'From', cell: ({ origin }) => (origin === 'file' ? 'policy.json' : 'the admin interface') },
                { title: 'Reason', isText: true, cell: ({ reason }) => reason },
                {
                  title: 'Take it',
                  cell: ({ version }) =>
                    mayChange && (
                      <button type="button" class="quiet" onClick={() => void load(version)}>
                        Into the editor<span class="hidden"> version {version}</span>
                      </button>
                    ),
                },
              ]}
            />
          </Panel>
          <Panel title="All fields in force">
            <details>
              <summary>With the defaults of what it leaves out</summary>
              <Scroll label="All fields in force">
                <pre>{jsonText(data.policy)}</pre>
              </Scroll>
            </details>
          </Panel>
        </>
      )}
    </Page>
  );
}

function jsonText(document: object): string {
  return JSON.stringify(document, null, 2);
}

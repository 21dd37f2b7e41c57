// The admin log: who changed what, when and why; and whether it is what was written.
import { pathWith } from '../shared/api.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { Link } from '../shared/link.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import type { LogEntry } from './answers.js';
import { CheckLog } from './check-log.js';
import { QueryField } from './query-field.js';
import type { Query } from './shown-page.js';

export function LogPage({ query }: { readonly query: Query }) {
  const { actor, action, subject } = query;
  const list = usePages<LogEntry>(pathWith('/v1/admin/log', { limit: 100, actor, action, subject }), 5_000);
  return (
    <Page
      title="Admin log"
      lead="Each entry carries the hash of itself and of all before it."
      aside={
        <>
          <Freshness {...list} />
          <CheckLog />
        </>
      }
    >
      <search class="filters">
        <QueryField label="Action" name="action" query={query} hint="peer.suspend" />
        <QueryField label="Subject" name="subject" query={query} hint="peer/…" />
        <QueryField label="Who" name="actor" query={query} hint="id of an admin key" />
      </search>
      <List
        list={list}
        caption="Changes, the newest first"
        rowKey={({ seq }) => `${seq}`}
        empty="No such entry"
        columns={[
          { title: 'No.', isNumber: true, cell: ({ seq }) => seq },
          { title: 'When', cell: ({ at }) => <Time at={at} /> },
          { title: 'Action', cell: ({ action }) => <code>{action}</code> },
          { title: 'To what', cell: ({ subject }) => <Subject of={subject} /> },
          { title: 'Why', isText: true, cell: ({ reason }) => reason },
          { title: 'Who', cell: ({ actor }) => <Id of={actor} /> },
          {
            title: 'Details',
            isText: true,
            cell: ({ details }) =>
              Object.keys(details).length === 0 ? '' : <code class="fine">{JSON.stringify(details)}</code>,
          },
        ]}
      />
    </Page>
  );
}

/** `peer/0199…` leads to that peer. */
function Subject({ of }: { readonly of: string }) {
  const [kind = '', id] = of.split('/');
  if (id === undefined) return <span>{of}</span>;
  if (kind === 'peer' || kind === 'account') {
    return (
      <Link to={`/console/${kind}s/${id}`} title={of}>
        {kind} <code>…{id.slice(-8)}</code>
      </Link>
    );
  }
  return (
    <span title={of}>
      {kind} <Id of={id} />
    </span>
  );
}

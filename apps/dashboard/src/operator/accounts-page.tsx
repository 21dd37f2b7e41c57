// Accounts: found by their name or address.
import { pathWith } from '../shared/api.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { Link } from '../shared/link.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import { QueryField } from './query-field.js';
import { useMay } from './role.js';
import type { Query } from './shown-page.js';

export interface ListedAccount {
  readonly accountId: string;
  readonly name: string;
  readonly email: string | null;
  readonly hasRecoveryPhrase: boolean;
  readonly createdAt: string;
}

export function AccountsPage({ query }: { readonly query: Query }) {
  const { name, email } = query;
  const list = usePages<ListedAccount>(pathWith('/v1/admin/accounts', { limit: 100, name, email }));
  const isToldAddresses = useMay('support');
  return (
    <Page title="Accounts" aside={<Freshness {...list} />}>
      <search class="filters">
        <QueryField label="Name" name="name" query={query} hint="whole, as it is shown" />
        {isToldAddresses && <QueryField label="E-mail" name="email" query={query} hint="whole" />}
      </search>
      <List
        list={list}
        caption="Accounts in the order in which they were opened"
        rowKey={({ accountId }) => accountId}
        empty="No such account"
        columns={[
          { title: 'Name', cell: ({ accountId, name }) => <Link to={`/console/accounts/${accountId}`}>{name}</Link> },
          { title: 'Id', cell: ({ accountId }) => <Id of={accountId} /> },
          { title: 'E-mail', cell: ({ email }) => email ?? <span class="fine">–</span> },
          { title: 'Recovery phrase', cell: ({ hasRecoveryPhrase }) => (hasRecoveryPhrase ? 'yes' : 'no') },
          { title: 'Opened', cell: ({ createdAt }) => <Time at={createdAt} /> },
        ]}
      />
    </Page>
  );
}

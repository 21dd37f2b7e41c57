// Which page an address of the operator's console is.
import { Empty } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import type { Route } from '../shared/router.js';
import { AccountPage } from './account-page.js';
import { AccountsPage } from './accounts-page.js';
import { AuditsPage } from './audits-page.js';
import { EnrolmentKeysPage } from './enrolment-keys-page.js';
import { HealthPage } from './health-page.js';
import { LedgerPage } from './ledger-page.js';
import { LogPage } from './log-page.js';
import { OverviewPage } from './overview-page.js';
import { PeerPage } from './peer-page.js';
import { PeersPage } from './peers-page.js';
import { PoliciesPage } from './policies-page.js';
import { RefusalsPage } from './refusals-page.js';
import { RelaysPage } from './relays-page.js';
import { RepairsPage } from './repairs-page.js';
import { TransactionsPage } from './transactions-page.js';

export function ShownPage({ route: { page, id, query } }: { readonly route: Route }) {
  if (page === 'peers' && id !== null) return <PeerPage key={id} peerId={id} />;
  if (page === 'accounts' && id !== null) return <AccountPage key={id} accountId={id} />;
  switch (page) {
    case '':
      return <OverviewPage query={query} />;
    case 'peers':
      return <PeersPage query={query} />;
    case 'relays':
      return <RelaysPage />;
    case 'accounts':
      return <AccountsPage query={query} />;
    case 'audits':
      return <AuditsPage query={query} />;
    case 'repairs':
      return <RepairsPage query={query} />;
    case 'transactions':
      return <TransactionsPage query={query} />;
    case 'refusals':
      return <RefusalsPage query={query} />;
    case 'ledger':
      return <LedgerPage query={query} />;
    case 'policies':
      return <PoliciesPage />;
    case 'enrolment-keys':
      return <EnrolmentKeysPage query={query} />;
    case 'log':
      return <LogPage query={query} />;
    case 'health':
      return <HealthPage />;
    default:
      return (
        <Page title="No such page">
          <Empty title="There is no page here">The pages of the console stand in its navigation.</Empty>
        </Page>
      );
  }
}

/** What stands behind the question mark of a page's address: its filters. */
export type Query = Readonly<Record<string, string>>;

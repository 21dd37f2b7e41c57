// One account: its credit, its machines, what it stores and what it keeps for others.
import { useState } from 'preact/hooks';
import { Bytes } from '../shared/bytes.js';
import { Facts } from '../shared/facts.js';
import { formatCount, formatCounted } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Link } from '../shared/link.js';
import { DoneNote, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { PEER_STATES, PeerStatePill } from '../shared/peer-state.js';
import { Stat } from '../shared/stat.js';
import { Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import type { ListedAccount } from './accounts-page.js';
import { AdjustDialog } from './adjust-dialog.js';
import { useMay } from './role.js';

interface AccountFacts extends ListedAccount {
  readonly credit: Readonly<Record<string, string>>;
  readonly peersByState: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly objectBytes: string;
  readonly hostedShards: number;
  readonly hostedBytes: string;
}

export function AccountPage({ accountId }: { readonly accountId: string }) {
  const account = useData<AccountFacts>(`/v1/admin/accounts/${encodeURIComponent(accountId)}`);
  const [isAdjusting, setIsAdjusting] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const mayAdjust = useMay('operator');
  const { data, refusal } = account;
  const adjusted = async (said: string): Promise<void> => {
    setIsAdjusting(false);
    setDone(said);
    await account.reload();
  };
  return (
    <Page
      title={data?.name ?? 'Account'}
      lead={<Link to="/console/accounts">All accounts</Link>}
      aside={<Freshness {...account} />}
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {done !== null && <DoneNote>{done}</DoneNote>}
      {data !== null && (
        <>
          <dl class="stats">
            <Stat label="Stored" value={<Bytes of={data.objectBytes} />} note={formatCounted(data.objects, 'object')} />
            <Stat
              label="Keeps for others"
              value={<Bytes of={data.hostedBytes} />}
              note={formatCounted(data.hostedShards, 'shard')}
            />
            {['available', 'used', 'reserved', 'withheld'].map((purse) => (
              <Stat key={purse} label={`Credit ${purse}`} value={<Bytes of={data.credit[purse] ?? '0'} />} />
            ))}
          </dl>
          <Panel title="What it is">
            <Facts
              of={[
                ['Opened', <Time at={data.createdAt} />],
                ['E-mail', data.email ?? <span class="fine">none, or not told to this role</span>],
                ['Recovery phrase', data.hasRecoveryPhrase ? 'yes' : 'no'],
                [
                  'Machines',
                  PEER_STATES.filter((state) => (data.peersByState[state] ?? 0) > 0).map((state) => (
                    <span key={state}>
                      {formatCount(data.peersByState[state] ?? 0)} <PeerStatePill state={state} />{' '}
                    </span>
                  )),
                ],
                ['Id', <code>{accountId}</code>],
              ]}
            />
            <div class="actions">
              <Link to={`/console/peers?account=${accountId}`} class="button quiet">
                Its machines
              </Link>
              <Link to={`/console/ledger?account=${accountId}`} class="button quiet">
                Its ledger
              </Link>
              {mayAdjust && (
                <button type="button" class="quiet" onClick={() => setIsAdjusting(true)}>
                  Adjust its credit…
                </button>
              )}
            </div>
          </Panel>
          {isAdjusting && (
            <AdjustDialog account={accountId} onClose={() => setIsAdjusting(false)} onAdjusted={adjusted} />
          )}
        </>
      )}
    </Page>
  );
}

// GET /v1/admin/accounts, GET /v1/admin/accounts/{accountId}
import { Controller, Get, Param, Query } from '@nestjs/common';
import { type AccountId, ProtocolError } from '#protocol';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { hasRole } from '../access/admin-role.js';
import { AdminRoute } from '../access/admin-route.js';
import { idParam } from '../paging/id-param.js';
import type { Page } from '../paging/page-query.js';
import {
  type AccountFacts,
  type AccountsQuery,
  accountFacts,
  accountPage,
  accountsQuery,
  type ListedAccount,
} from './account-answers.js';
import { ReadAccounts } from './read-accounts.js';

/** A viewer looks at the network, not at how to reach a person. */
const TOLD_ADDRESSES = 'support';

@Controller('v1/admin/accounts')
export class AdminAccountsController {
  constructor(private readonly accounts: ReadAccounts) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: accountPage })
  list(
    @CurrentAdmin() { key }: AdminCaller,
    @Query({ schema: accountsQuery }) query: AccountsQuery,
  ): Promise<Page<ListedAccount>> {
    const withEmail = hasRole(key.role, TOLD_ADDRESSES);
    if (query.email !== undefined && !withEmail) {
      throw new ProtocolError('admin_role_missing', { role: key.role, needed: TOLD_ADDRESSES });
    }
    return this.accounts.page(query, { withEmail });
  }

  @Get(':accountId')
  @AdminRoute({ role: 'viewer', answers: accountFacts })
  one(@CurrentAdmin() { key }: AdminCaller, @Param('accountId') id: string): Promise<AccountFacts> {
    const accountId = idParam<AccountId>(id, 'account_unknown');
    return this.accounts.one(accountId, { withEmail: hasRole(key.role, TOLD_ADDRESSES) });
  }
}

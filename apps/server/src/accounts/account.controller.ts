// GET /account and what its forms do
import { Get, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUuidV7, type PeerId, ProtocolError } from '#protocol';
import { escrowSection } from '../escrow/escrow-section.js';
import { TellEscrow } from '../escrow/tell-escrow.js';
import { FRESH_SIGN_IN_MS } from '../limits.js';
import { AppendOnly } from '../peers/append-only.js';
import { ListPeers } from '../peers/list-peers.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { RevokePeer } from '../peers/revoke-peer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { SessionGuard } from '../sessions/session.guard.js';
import { CurrentSession, type Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.js';
import { clearSessionCookie } from '../web/cookies.js';
import { type Fields, SubmittedForm } from '../web/form-fields.js';
import { seeOther, sendPage } from '../web/page.js';
import { WebController } from '../web/web-controller.js';
import { AccountEntity } from './account.entity.js';
import { type AccountNotice, accountPage, revokePage } from './account-pages.js';
import { appendOnlyPage } from './append-only-page.js';
import { ChangePassword } from './change-password.js';

const PEERS_PER_PAGE = 50;

@WebController('account')
@UseGuards(SessionGuard)
export class AccountController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly sessions: Sessions,
    private readonly changePassword: ChangePassword,
    private readonly listPeers: ListPeers,
    private readonly directory: PeerDirectory,
    private readonly revokePeer: RevokePeer,
    private readonly appendOnly: AppendOnly,
    private readonly remoteAddress: RemoteAddress,
    private readonly tellEscrow: TellEscrow,
  ) {}

  @Get()
  async show(
    @CurrentSession() session: Session,
    @Query('after') after: unknown,
    @Query('done') done: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const from = typeof after === 'string' && isUuidV7(after) ? (after as PeerId) : null;
    await this.sendAccount(reply, session, noticeOf(done), from);
  }

  @Post('password')
  async takePassword(
    @CurrentSession() session: Session,
    @SubmittedForm() fields: Fields,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const network = this.remoteAddress.networkOf(request);
    const passwords = { oldPassword: fields.old ?? '', newPassword: fields.new ?? '' };
    const changed = await this.changePassword.run(session, { ...passwords, network });
    if (changed.ok) return seeOther(reply, '/account?done=password');
    const { field, fault } = changed;
    await this.sendAccount(reply, session, field === 'old' ? { oldPassword: fault } : { newPassword: fault });
  }

  @Post('sign-out-everywhere')
  async signOutEverywhere(@CurrentSession() session: Session, @Res() reply: FastifyReply): Promise<void> {
    await this.database.write((db) => this.sessions.endAllOf(db, session.accountId, null));
    clearSessionCookie(reply);
    seeOther(reply, '/sign-in');
  }

  /** Links change nothing, and there is no script to ask "really?": so it is a page. */
  @Get('revoke')
  askRevoke(@CurrentSession() session: Session, @Query('peer') peer: unknown, @Res() reply: FastifyReply): void {
    const { peerId, name } = this.ownPeer(session, peer);
    this.sessions.requireFreshSignIn(session, FRESH_SIGN_IN_MS, `/account/revoke?peer=${peerId}`);
    sendPage(reply, revokePage(session, { peerId, name }));
  }

  @Post('revoke')
  async revoke(
    @CurrentSession() session: Session,
    @SubmittedForm() { peer }: Fields,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { peerId } = this.ownPeer(session, peer);
    this.sessions.requireFreshSignIn(session, FRESH_SIGN_IN_MS, `/account/revoke?peer=${peerId}`);
    await this.revokePeer.run({ peerId, byAccount: session.accountId, reason: 'revoked on the account page' });
    seeOther(reply, '/account');
  }

  @Get('append-only')
  async askAppendOnly(
    @CurrentSession() session: Session,
    @Query('peer') peer: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { peerId, name } = this.ownPeer(session, peer);
    const { appendOnlyAtMs } = await this.database.reads.findOneByOrFail(PeerEntity, { id: peerId });
    const appendOnly = appendOnlyAtMs !== null;
    // Whoever finds an open browser must not be able to take it back.
    if (appendOnly) this.sessions.requireFreshSignIn(session, FRESH_SIGN_IN_MS, `/account/append-only?peer=${peerId}`);
    sendPage(reply, appendOnlyPage(session, { peerId, name, appendOnly }));
  }

  @Post('append-only')
  async changeAppendOnly(
    @CurrentSession() session: Session,
    @SubmittedForm() { peer, to }: Fields,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { peerId } = this.ownPeer(session, peer);
    const owned = { peerId, byAccount: session.accountId };
    if (to === 'on') await this.appendOnly.set(owned);
    else {
      this.sessions.requireFreshSignIn(session, FRESH_SIGN_IN_MS, `/account/append-only?peer=${peerId}`);
      await this.appendOnly.lift(owned);
    }
    seeOther(reply, '/account');
  }

  /** throws peer_unknown, also for a peer of another account */
  private ownPeer(session: Session, text: unknown): { peerId: PeerId; name: string } {
    const peer = typeof text === 'string' && isUuidV7(text) ? this.directory.find(text as PeerId) : undefined;
    if (peer === undefined || peer.accountId !== session.accountId) throw new ProtocolError('peer_unknown');
    return peer;
  }

  private async sendAccount(
    reply: FastifyReply,
    session: Session,
    notice: AccountNotice,
    after: PeerId | null = null,
  ): Promise<void> {
    const { accountId } = session;
    const { name, email } = await this.database.reads.findOneByOrFail(AccountEntity, { id: accountId });
    const query = { limit: PEERS_PER_PAGE, ...(after !== null && { after }) };
    const { peers, next } = await this.listPeers.run(accountId, query);
    const escrow = escrowSection(session, await this.tellEscrow.run(accountId));
    sendPage(reply, accountPage(session, { name, email: email ?? '', peers, next, escrow }, notice));
  }
}

/** What a form says that has come back to the page. */
function noticeOf(done: unknown): AccountNotice {
  if (done === 'password') return { done: 'The password is changed.' };
  if (done === 'recovery') return { done: 'The recovery is stopped. If that machine is not yours, revoke it as well.' };
  if (done === 'recovery-too-late') {
    return { alarm: 'Too late: that machine was given the key before. Revoke it now, and choose a new password.' };
  }
  return {};
}

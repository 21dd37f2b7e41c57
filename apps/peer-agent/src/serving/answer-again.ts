// A token that has done its work is shown again: the first receipt, and nothing is done.
import type { Clock } from '#process';
import { ProtocolError, type VerifiedToken } from '#protocol';
import type { ReplayList } from '../tokens/replay-list.js';
import { answerReceipt, drain } from './answers.js';
import type { Exchange } from './exchange.js';

/** throws token_burned, when the token ended without a receipt */
export async function burnedReceipt(token: VerifiedToken, replayList: ReplayList): Promise<string> {
  const receipt = await replayList.receiptOf(token);
  if (receipt === null) throw new ProtocolError('token_burned', { transactionId: token.transactionId });
  return receipt;
}

/** throws as burnedReceipt */
export async function answerAgain(
  { request, response }: Exchange,
  token: VerifiedToken,
  { replayList, clock }: { readonly replayList: ReplayList; readonly clock: Clock },
): Promise<void> {
  answerReceipt(response, 200, await burnedReceipt(token, replayList));
  drain(request, clock);
}

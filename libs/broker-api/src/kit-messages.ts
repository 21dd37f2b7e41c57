// What a machine says to its broker about recovery kits: make one, fill it with tokens, list them, take one back.
import {
  emptyAnswer,
  encodeBase64url,
  type ListKitsAnswer,
  listKitsAnswer,
  type MakeKitAnswer,
  makeKitAnswer,
  type ObjectId,
  type OfflineGetsAnswer,
  offlineGetsAnswer,
  type PeerId,
} from '#protocol';
import type { CallOptions } from './call-options.js';
import type { SignedExchange } from './signed-exchange.js';

/** All methods throw as those of BrokerClient do. */
export class KitMessages {
  constructor(private readonly exchange: SignedExchange) {}

  /** Certify the key of a new kit. Throws kits_off | kits_too_many | csr_invalid. */
  make(csrDer: Uint8Array, options: CallOptions = {}): Promise<MakeKitAnswer> {
    const body = { csr: encodeBase64url(csrDer) };
    return this.exchange.run({ method: 'POST', path: '/v1/kits', body, answer: makeKitAnswer, ...options });
  }

  /** Tokens for a kit that this machine has made; at most OBJECTS_PER_REQUEST_MAX objects. Throws kit_full | object_unknown. */
  offlineGets(kitId: PeerId, objects: readonly ObjectId[], options: CallOptions = {}): Promise<OfflineGetsAnswer> {
    const body = { kitId, objects: [...objects] };
    return this.exchange.run({ method: 'POST', path: '/v1/offline-gets', body, answer: offlineGetsAnswer, ...options });
  }

  list(options: CallOptions = {}): Promise<ListKitsAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/kits', answer: listKitsAnswer, ...options });
  }

  /** Throws kit_unknown | peer_append_only. */
  async withdraw(kitId: PeerId, options: CallOptions = {}): Promise<void> {
    const path = `/v1/kits/${kitId}/withdraw`;
    await this.exchange.run({ method: 'POST', path, body: {}, answer: emptyAnswer, ...options });
  }
}

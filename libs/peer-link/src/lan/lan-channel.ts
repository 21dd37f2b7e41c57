// Messages to and from neighbours: sealed, fresh, heard once; everything else is dropped without a word (T6).
import { randomBytes } from 'node:crypto';
import type { LanEpochKey } from '#peer-home';
import type { Clock } from '#process';
import { nodeSuite, type PeerId, type UnixMs } from '#protocol';
import type { LanMedium, LanOrigin } from './lan-medium.js';
import type { LanMessage } from './lan-message.js';
import { LAN_NONCE_BYTES, lanNonceOf, openLanMessage, sealLanMessage } from './lan-message-codec.js';
import { LAN_DATAGRAMS_PER_SECOND_MAX } from './lan-rules.js';
import { SeenList } from './seen-list.js';

export interface LanChannelOptions {
  readonly medium: LanMedium;
  /** The key to speak under first; none before the broker has told any. */
  readonly keys: (nowMs: UnixMs) => readonly Pick<LanEpochKey, 'epoch' | 'key'>[];
  readonly peerId: PeerId;
  /** The broker's time, as far as it is known. */
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
}

/** What a message says beside who sends it, and when. */
export type LanSaying = LanMessage extends infer M
  ? M extends LanMessage
    ? Omit<M, 'senderId' | 'timeMs'>
    : never
  : never;

export type OnMessage = (message: LanMessage, from: LanOrigin) => void;

export class LanChannel {
  private readonly listeners = new Set<OnMessage>();
  private readonly seen = new SeenList();
  private second = { endMs: 0, datagrams: 0 };
  private opening: Promise<boolean> | null = null;

  constructor(private readonly options: LanChannelOptions) {}

  /** False when this machine cannot take part. Asked again, the same. */
  open(): Promise<boolean> {
    this.opening ??= this.options.medium.open((datagram, from) => this.heard(datagram, from));
    return this.opening;
  }

  /** Returns how to stop listening. */
  listen(onMessage: OnMessage): () => void {
    this.listeners.add(onMessage);
    return () => this.listeners.delete(onMessage);
  }

  /** To everybody. False when there is no key to speak under. */
  say(saying: LanSaying): boolean {
    const datagram = this.seal(saying);
    if (datagram === null) return false;
    this.options.medium.send(datagram);
    return true;
  }

  /** To the one who asked. */
  answer(saying: LanSaying, to: LanOrigin): boolean {
    const datagram = this.seal(saying);
    if (datagram === null) return false;
    this.options.medium.reply(datagram, to);
    return true;
  }

  async close(): Promise<void> {
    this.listeners.clear();
    if (this.opening !== null) await this.opening;
    await this.options.medium.close();
  }

  private seal(saying: LanSaying): Uint8Array | null {
    const { keys, nowMs, peerId } = this.options;
    const timeMs = nowMs();
    const [key] = keys(timeMs);
    if (key === undefined) return null;
    const message = { ...saying, senderId: peerId, timeMs } as LanMessage;
    return sealLanMessage(nodeSuite, key, randomBytes(LAN_NONCE_BYTES), message);
  }

  private heard(datagram: Uint8Array, from: LanOrigin): void {
    const nonce = lanNonceOf(datagram);
    // What is said to everybody comes by several ways.
    if (nonce === null || this.listeners.size === 0 || this.seen.has(nonce) || !this.mayLook()) return;
    const nowMs = this.options.nowMs();
    const message = openLanMessage(nodeSuite, this.options.keys(nowMs), datagram);
    if (message === null || message.senderId === this.options.peerId) return;
    if (!this.seen.admit(nonce, message.timeMs, nowMs)) return;
    for (const listener of [...this.listeners]) listener(message, from);
  }

  private mayLook(): boolean {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs >= this.second.endMs) this.second = { endMs: nowMs + 1_000, datagrams: 0 };
    return this.second.datagrams++ < LAN_DATAGRAMS_PER_SECOND_MAX;
  }
}

// The home folder of one peer. An agent and commands on one machine share it: files are replaced whole, and read again.
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecretFile, writeFileDurably } from '#process';
import {
  type AccountId,
  CLOCK_SKEW_MS_MAX,
  equalInConstantTime,
  OFFLINE_KEYS_MAX,
  OFFLINE_TOKEN_LIFE_MS_MAX,
  type PeerId,
  PREVIOUS_KEYS_MAX,
  ProtocolError,
  type TransactionKey,
  type UnixMs,
} from '#protocol';
import type { EnrolledPeer } from './enrol-peer.js';
import {
  formatMasterKey,
  formatPeerFile,
  formatTransactionKeys,
  HOME_FILES,
  type HomeCertificate,
  type PeerFile,
  parseCertificate,
  parseMasterKey,
  parsePeerFile,
  parseTransactionKeys,
  type TransactionKeys,
} from './home-files.js';
import { type HomeKey, isSealed, openSecret } from './home-key.js';
import { NetworkFacts } from './network-facts.js';
import { WatchedSecret } from './watched-secret.js';

export type { HomeCertificate, TransactionKeys } from './home-files.js';

type HomeFile = keyof typeof HOME_FILES;

export interface HomeIdentity {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly name: string;
  readonly trustDomain: string;
  readonly broker: { readonly host: string; readonly port: number };
}

export class PeerHome {
  /** What the broker told of the network, as of the last time that somebody on this machine asked it. */
  readonly network: NetworkFacts;
  private readonly peerFile: WatchedSecret<PeerFile>;
  private readonly certificateFile: WatchedSecret<HomeCertificate>;
  private readonly transactionKeysFile: WatchedSecret<TransactionKeys>;
  /** Saves of one process follow one another: each reads what the one before wrote. */
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    readonly path: string,
    readonly identity: HomeIdentity,
    readonly privateKeyPem: string,
    readonly caPem: string,
    private readonly homeKey: HomeKey | null,
  ) {
    this.peerFile = new WatchedSecret(this.pathOf('peer'), parsePeerFile);
    this.certificateFile = new WatchedSecret(this.pathOf('certificate'), parseCertificate);
    this.transactionKeysFile = new WatchedSecret(this.pathOf('transactionKeys'), (text) =>
      parseTransactionKeys(openSecret(HOME_FILES.transactionKeys, text, homeKey)),
    );
    const networkFile = new WatchedSecret(this.pathOf('network'), (text) =>
      openSecret(HOME_FILES.network, text, homeKey),
    );
    this.network = new NetworkFacts({
      read: () => networkFile.readIfThere(),
      write: (text) => this.save(() => this.write('network', text)),
    });
  }

  /** True when this folder is the home of an enrolled peer, readable or not. */
  static async exists(path: string): Promise<boolean> {
    return fileExists(join(path, HOME_FILES.peer));
  }

  /**
   * Open an enrolled peer's home. Everything but the master key is read and checked at once.
   *
   * homeKey  opens sealed secret files, and seals those that are still plain; null opens plain ones only
   * throws   home_missing | home_corrupt | secret_file_exposed | home_sealed | home_key_invalid
   */
  static async open(path: string, homeKey: HomeKey | null = null): Promise<PeerHome> {
    if (!(await PeerHome.exists(path))) throw new ProtocolError('home_missing', { path });
    if (homeKey !== null) await sealPlainFiles(path, homeKey);
    const peer = parsePeerFile(await readHomeFile(path, 'peer'));
    const privateKeyPem = openSecret(HOME_FILES.identityKey, await readHomeFile(path, 'identityKey'), homeKey);
    const caPem = await readHomeFile(path, 'authority');
    const { peerId, accountId, name, trustDomain, broker } = peer;
    const home = new PeerHome(path, { peerId, accountId, name, trustDomain, broker }, privateKeyPem, caPem, homeKey);
    home.certificate();
    home.transactionKeys();
    return home;
  }

  /**
   * Make the home of a peer that has just enrolled. `peer.json` comes last: a folder without it is no home yet.
   *
   * homeKey  seals the secret files
   * throws   home_exists | local_disk
   */
  static async create(path: string, enrolled: EnrolledPeer, homeKey: HomeKey | null = null): Promise<PeerHome> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (await PeerHome.exists(path)) throw new ProtocolError('home_exists', { path });
    const { peerId, accountId, name, trustDomain, broker } = enrolled;
    const keys: TransactionKeys = { current: enrolled.transactionKey, previous: null, older: [], offline: [] };
    await writeHomeFile(path, 'identityKey', enrolled.privateKeyPem, homeKey);
    await writeHomeFile(path, 'authority', enrolled.caPem, homeKey);
    await writeHomeFile(path, 'certificate', enrolled.certificatePem, homeKey);
    await writeHomeFile(path, 'transactionKeys', formatTransactionKeys(keys), homeKey);
    await writeHomeFile(path, 'peer', formatPeerFile({ peerId, accountId, name, trustDomain, broker }), homeKey);
    return PeerHome.open(path, homeKey);
  }

  /** The peer's certificate as it stands now; a renewal by another process is seen. */
  certificate(): HomeCertificate {
    return this.certificateFile.read();
  }

  /** The transaction keys as they stand now; a renewal by another process is seen. */
  transactionKeys(): TransactionKeys {
    return this.transactionKeysFile.read();
  }

  /** Disk donated to other peers, in bytes; 0 on a machine that stores nothing for them. */
  get shareBytes(): number {
    return this.peerFile.read().shareBytes ?? 0;
  }

  async setShare(shareBytes: number): Promise<void> {
    await this.save(() => this.write('peer', formatPeerFile({ ...this.peerFile.read(), shareBytes })));
  }

  async saveCertificate(pem: string): Promise<void> {
    parseCertificate(pem);
    await this.save(() => this.write('certificate', pem));
  }

  /**
   * Make `next` the current key. The one that it replaces stays good for tokens until `previousUntilMs`, as do those
   * before it until their times; its offline key stays good for as long as a token of a recovery kit may live. Returns
   * false, and changes nothing, when PREVIOUS_KEYS_MAX of the former or OFFLINE_KEYS_MAX of the latter are good at
   * `nowMs`: another would end tokens that live.
   */
  async saveTransactionKey(next: TransactionKey, previousUntilMs: UnixMs, nowMs: UnixMs = 0): Promise<boolean> {
    let saved = true;
    await this.save(async () => {
      const { current, previous, older, offline } = this.transactionKeys();
      if (current.kid === next.kid) return;
      const replaced = (previous === null ? older : [previous, ...older]).filter(({ untilMs }) => untilMs > nowMs);
      const keptOffline = offline.filter(({ untilMs }) => untilMs > nowMs);
      saved = replaced.length < PREVIOUS_KEYS_MAX && keptOffline.length < OFFLINE_KEYS_MAX;
      if (!saved) return;
      const offlineUntilMs = previousUntilMs + OFFLINE_TOKEN_LIFE_MS_MAX + 2 * CLOCK_SKEW_MS_MAX;
      const keys: TransactionKeys = {
        current: next,
        previous: { key: current, untilMs: previousUntilMs },
        older: replaced,
        offline: [{ key: current.offline, untilMs: offlineUntilMs }, ...keptOffline],
      };
      await this.write('transactionKeys', formatTransactionKeys(keys));
    });
    return saved;
  }

  /** throws master_key_missing | home_corrupt | secret_file_exposed | home_sealed | home_key_invalid */
  async masterKey(): Promise<Uint8Array> {
    if (!(await this.hasMasterKey())) throw new ProtocolError('master_key_missing', { path: this.path });
    return this.readKey('masterKey');
  }

  async hasMasterKey(): Promise<boolean> {
    return fileExists(this.pathOf('masterKey'));
  }

  /** Keep the key of the user's data. Another key is never written over: its snapshots would be lost. */
  async saveMasterKey(key: Uint8Array): Promise<void> {
    await this.save(async () => {
      if (await this.hasMasterKey()) {
        if (equalInConstantTime(await this.masterKey(), key)) return;
        throw new ProtocolError('home_exists', { path: this.path }, { detail: 'this home has another master key' });
      }
      await this.write('masterKey', formatMasterKey(key));
      await rm(this.pathOf('masterKeyDraft'), { force: true });
    });
  }

  /**
   * A master key for this home that is not in use yet: the one that an earlier, unfinished call kept, or else a new
   * one. The broker may know its recovery key already, so it must not be lost before saveMasterKey.
   */
  async draftMasterKey(make: () => Uint8Array): Promise<Uint8Array> {
    if (!(await fileExists(this.pathOf('masterKeyDraft')))) {
      await this.save(() => this.write('masterKeyDraft', formatMasterKey(make())));
    }
    return this.readKey('masterKeyDraft');
  }

  private save(write: () => Promise<void>): Promise<void> {
    const saved = this.saving.then(write);
    // Whoever asked for a save hears of its failure; the next save does not depend on it.
    this.saving = saved.catch(() => undefined);
    return saved;
  }

  private async readKey(file: 'masterKey' | 'masterKeyDraft'): Promise<Uint8Array> {
    return parseMasterKey(openSecret(HOME_FILES[file], await readHomeFile(this.path, file), this.homeKey));
  }

  private async write(file: HomeFile, content: string): Promise<void> {
    await writeHomeFile(this.path, file, content, this.homeKey);
  }

  private pathOf(file: HomeFile): string {
    return join(this.path, HOME_FILES[file]);
  }
}

/** What a thief of the home could use; the other files say nothing that is not said in the open. */
const SECRET_FILES: ReadonlySet<HomeFile> = new Set([
  'identityKey',
  'transactionKeys',
  'masterKey',
  'masterKeyDraft',
  'network',
]);

async function writeHomeFile(path: string, file: HomeFile, content: string, homeKey: HomeKey | null): Promise<void> {
  const name = HOME_FILES[file];
  const sealed = homeKey !== null && SECRET_FILES.has(file);
  await writeFileDurably(join(path, name), sealed ? homeKey.seal(name, content) : content);
}

/** A home that was made without a home key, and gets one. */
async function sealPlainFiles(path: string, homeKey: HomeKey): Promise<void> {
  for (const file of SECRET_FILES) {
    if (!(await fileExists(join(path, HOME_FILES[file])))) continue;
    const content = await readHomeFile(path, file);
    if (!isSealed(content)) await writeHomeFile(path, file, content, homeKey);
  }
}

async function readHomeFile(path: string, file: HomeFile): Promise<string> {
  try {
    return (await readSecretFile(join(path, HOME_FILES[file]))).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ProtocolError('home_corrupt', { file: HOME_FILES[file] }, { cause: error });
  }
}

async function fileExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

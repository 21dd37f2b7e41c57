// The home folder of one peer. An agent and commands on one machine share it: files are replaced whole, and read again.
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecretFile, writeFileDurably } from '#process';
import {
  type AccountId,
  equalInConstantTime,
  type PeerId,
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
import { WatchedSecret } from './watched-secret.js';

export type { HomeCertificate, TransactionKeys } from './home-files.js';

export interface HomeIdentity {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly name: string;
  readonly trustDomain: string;
  readonly broker: { readonly host: string; readonly port: number };
}

export class PeerHome {
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
  ) {
    this.peerFile = new WatchedSecret(this.pathOf('peer'), parsePeerFile);
    this.certificateFile = new WatchedSecret(this.pathOf('certificate'), parseCertificate);
    this.transactionKeysFile = new WatchedSecret(this.pathOf('transactionKeys'), parseTransactionKeys);
  }

  /** True when this folder is the home of an enrolled peer, readable or not. */
  static async exists(path: string): Promise<boolean> {
    return fileExists(join(path, HOME_FILES.peer));
  }

  /**
   * Open an enrolled peer's home. Everything but the master key is read and checked at once.
   *
   * throws home_missing | home_corrupt | secret_file_exposed
   */
  static async open(path: string): Promise<PeerHome> {
    if (!(await PeerHome.exists(path))) throw new ProtocolError('home_missing', { path });
    const peer = parsePeerFile(await readHomeFile(path, 'peer'));
    const privateKeyPem = await readHomeFile(path, 'identityKey');
    const caPem = await readHomeFile(path, 'authority');
    const { peerId, accountId, name, trustDomain, broker } = peer;
    const home = new PeerHome(path, { peerId, accountId, name, trustDomain, broker }, privateKeyPem, caPem);
    home.certificate();
    home.transactionKeys();
    return home;
  }

  /**
   * Make the home of a peer that has just enrolled. `peer.json` comes last: a folder without it is no home yet.
   *
   * throws home_exists | local_disk
   */
  static async create(path: string, enrolled: EnrolledPeer): Promise<PeerHome> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (await PeerHome.exists(path)) throw new ProtocolError('home_exists', { path });
    const { peerId, accountId, name, trustDomain, broker } = enrolled;
    const keys: TransactionKeys = { current: enrolled.transactionKey, previous: null };
    await writeFileDurably(join(path, HOME_FILES.identityKey), enrolled.privateKeyPem);
    await writeFileDurably(join(path, HOME_FILES.authority), enrolled.caPem);
    await writeFileDurably(join(path, HOME_FILES.certificate), enrolled.certificatePem);
    await writeFileDurably(join(path, HOME_FILES.transactionKeys), formatTransactionKeys(keys));
    const peer = formatPeerFile({ peerId, accountId, name, trustDomain, broker });
    await writeFileDurably(join(path, HOME_FILES.peer), peer);
    return PeerHome.open(path);
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

  /** Make `next` the current key. The one that it replaces stays good for tokens until `previousUntilMs`. */
  async saveTransactionKey(next: TransactionKey, previousUntilMs: UnixMs): Promise<void> {
    await this.save(async () => {
      const { current } = this.transactionKeys();
      if (current.kid === next.kid) return;
      const keys: TransactionKeys = { current: next, previous: { key: current, untilMs: previousUntilMs } };
      await this.write('transactionKeys', formatTransactionKeys(keys));
    });
  }

  /** throws master_key_missing | home_corrupt | secret_file_exposed */
  async masterKey(): Promise<Uint8Array> {
    if (!(await this.hasMasterKey())) throw new ProtocolError('master_key_missing', { path: this.path });
    return parseMasterKey(await readHomeFile(this.path, 'masterKey'));
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
    return parseMasterKey(await readHomeFile(this.path, 'masterKeyDraft'));
  }

  private save(write: () => Promise<void>): Promise<void> {
    const saved = this.saving.then(write);
    // Whoever asked for a save hears of its failure; the next save does not depend on it.
    this.saving = saved.catch(() => undefined);
    return saved;
  }

  private async write(file: keyof typeof HOME_FILES, content: string): Promise<void> {
    await writeFileDurably(this.pathOf(file), content);
  }

  private pathOf(file: keyof typeof HOME_FILES): string {
    return join(this.path, HOME_FILES[file]);
  }
}

async function readHomeFile(path: string, file: keyof typeof HOME_FILES): Promise<string> {
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

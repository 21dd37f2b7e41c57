// Where neighbours get what this machine has: a port of the local network whose connections the shard listener serves, by
// the same TLS, the same tokens and the same bounds.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Log } from '#process';
import { isRefusal } from '#protocol';
import { CONNECTIONS_MAX } from '../limits.js';
import type { ShardListener } from '../serving/shard-listener.js';

export class AliasListener {
  private readonly server: Server;
  private listeningPort = 0;

  constructor(
    private readonly shards: Pick<ShardListener, 'adopt'>,
    private readonly log: Log,
  ) {
    this.server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => this.take(socket));
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** 0 before listen. */
  get port(): number {
    return this.listeningPort;
  }

  /** False when somebody else has the port: then neighbours are not answered. */
  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
    return new Promise((resolve) => {
      this.server.once('error', (error) => {
        this.log.warn({ event: 'lan_alias_not_bound', err: error });
        resolve(false);
      });
      this.server.listen(port, host, () => {
        this.server.removeAllListeners('error');
        this.server.on('error', (error) => this.log.warn({ event: 'lan_accept_failed', err: error }));
        this.listeningPort = (this.server.address() as AddressInfo).port;
        resolve(true);
      });
    });
  }

  /** No new connections; those that are there are the shard listener's. */
  close(): void {
    if (this.server.listening) this.server.close();
  }

  private take(socket: Socket): void {
    try {
      this.shards.adopt(socket);
    } catch (error) {
      socket.destroy();
      if (!isRefusal(error)) throw error;
    }
  }
}

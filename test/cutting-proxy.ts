// A line that breaks: passes bytes to a port, and cuts each connection after as many as it is told.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  /** Of the next connections: bytes in both directions together, before the cut. Those after the last are never cut. */
  readonly cuts: number[] = [];
  connections = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    public targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, targetPort);
    server.on('connection', (socket) => proxy.pass(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(near: Socket): void {
    this.connections++;
    const far = connect(this.targetPort, '127.0.0.1');
    let left = this.cuts.shift() ?? Number.POSITIVE_INFINITY;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('error', end);
      from.on('close', () => {
        this.sockets.delete(from);
        end();
      });
      from.on('data', (piece) => {
        to.write(piece.subarray(0, Math.max(0, left)), () => from.resume());
        from.pause();
        left -= piece.length;
        if (left <= 0) end();
      });
    }
  }
}

// A long line: passes bytes to a port, each a fixed time after it came, as many at once as there is room for on the way.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What is on its way in one direction of one connection; a sender waits when there is more. */
const BYTES_UNDER_WAY_MAX = 64 * 1024 * 1024;

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

export class DelayingProxy {
  /** The most bytes that were on their way in one direction of a connection. */
  mostUnderWay = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
    private readonly delayMs: number,
  ) {}

  /** delayMs: one way; a round trip takes twice as long. */
  static async start(options: { target: { host: string; port: number }; delayMs: number }): Promise<DelayingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new DelayingProxy(server, options.target, options.delayMs);
    server.on('connection', (socket) => proxy.pass(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
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
    const far = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    this.delay(near, far);
    this.delay(far, near);
  }

  private delay(from: Socket, to: Socket): void {
    const way: Piece[] = [];
    let bytesUnderWay = 0;
    let timer: NodeJS.Timeout | null = null;
    let hasEnded = false;
    const deliver = (): void => {
      timer = null;
      const nowMs = performance.now();
      while (way[0] !== undefined && way[0].dueMs <= nowMs) {
        const { bytes } = way.shift()!;
        bytesUnderWay -= bytes.length;
        if (bytes.length === 0) to.end();
        else if (!to.write(bytes)) {
          // The far side takes no more: what is due waits for it.
          to.once('drain', deliver);
          return;
        }
      }
      if (from.isPaused() && bytesUnderWay < BYTES_UNDER_WAY_MAX) from.resume();
      if (way[0] !== undefined) timer ??= setTimeout(deliver, way[0].dueMs - nowMs);
    };
    const send = (bytes: Buffer): void => {
      way.push({ bytes, dueMs: performance.now() + this.delayMs });
      bytesUnderWay += bytes.length;
      this.mostUnderWay = Math.max(this.mostUnderWay, bytesUnderWay);
      if (bytesUnderWay >= BYTES_UNDER_WAY_MAX) from.pause();
      if (way.length === 1) timer ??= setTimeout(deliver, this.delayMs);
    };
    this.sockets.add(from);
    from.on('data', send);
    from.on('end', () => {
      hasEnded = true;
      send(Buffer.alloc(0));
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      if (!hasEnded) to.destroy();
      if (to.destroyed && timer !== null) clearTimeout(timer);
    });
  }
}

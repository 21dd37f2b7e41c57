// A mail server for tests: takes what it is given on loopback, and hands out one mail after the other.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  /** Headers and body with soft line breaks undone. */
  readonly text: string;
}

export class SmtpStandIn {
  /** Answer to the next recipients: 250 takes them. */
  recipientStatus = 250;
  readonly credentials: string[] = [];
  private readonly mails: ReceivedMail[] = [];
  private readonly waiting: ((mail: ReceivedMail) => void)[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      this.serve(socket);
    });
  }

  static async start(): Promise<SmtpStandIn> {
    const server = createServer();
    const standIn = new SmtpStandIn(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return standIn;
  }

  get url(): string {
    return `smtp://mailer:secret@127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Mails that nobody has asked for. */
  get unread(): number {
    return this.mails.length;
  }

  next(): Promise<ReceivedMail> {
    const mail = this.mails.shift();
    if (mail !== undefined) return Promise.resolve(mail);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    let buffered = '';
    let envelope = { from: '', to: '' };
    let inData = false;
    const say = (line: string): boolean => socket.write(`${line}\r\n`);
    say('220 stand-in');
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      for (;;) {
        const ending = inData ? '\r\n.\r\n' : '\r\n';
        const end = buffered.indexOf(ending);
        if (end < 0) return;
        const part = buffered.slice(0, end);
        buffered = buffered.slice(end + ending.length);
        if (inData) {
          inData = false;
          this.take({ ...envelope, text: plainText(part) });
          say('250 taken');
          continue;
        }
        const verb = part.split(' ')[0]!.toUpperCase();
        if (verb === 'EHLO') socket.write('250-stand-in\r\n250 AUTH PLAIN\r\n');
        else if (verb === 'AUTH') {
          this.credentials.push(Buffer.from(part.split(' ')[2] ?? '', 'base64').toString());
          say('235 welcome');
        } else if (verb === 'MAIL') {
          envelope = { ...envelope, from: part };
          say('250 ok');
        } else if (verb === 'RCPT') {
          envelope = { ...envelope, to: part };
          say(this.recipientStatus === 250 ? '250 ok' : `${this.recipientStatus} not now`);
        } else if (verb === 'DATA') {
          inData = true;
          say('354 go on');
        } else if (verb === 'QUIT') {
          say('221 bye');
          socket.end();
        } else say('250 ok');
      }
    });
    socket.on('error', () => socket.destroy());
  }

  private take(mail: ReceivedMail): void {
    const waiting = this.waiting.shift();
    if (waiting === undefined) this.mails.push(mail);
    else waiting(mail);
  }
}

/** Quoted-printable undone (RFC 2045 §6.7). */
export function plainText(mail: string): string {
  return mail
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

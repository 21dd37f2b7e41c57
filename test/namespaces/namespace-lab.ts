// Networks of one machine, made of network namespaces, veth pairs, bridges and nftables: an Internet, and LANs behind NAT.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What stands for the Internet. Its addresses are private ones, so that each host counts as a network of its own. */
const INTERNET = '10.77.0';

/** A machine of its own: processes run in it by `command`, and see its interfaces alone. */
export interface LabMachine {
  readonly name: string;
  readonly address: string;
  /** Put before a program and its arguments. */
  readonly command: readonly string[];
}

/** A LAN with a router that lets connections out and none in. */
export interface LabLan {
  readonly router: LabMachine;
  /** How the Internet sees all machines of this LAN. */
  readonly outsideAddress: string;
  readonly number: number;
}

/** Why namespaces cannot be made here; null where they can. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'not on Linux';
  if (process.getuid?.() !== 0) return 'not root';
  const name = `pk-try-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
  try {
    execFileSync('ip', ['netns', 'exec', name, 'nft', 'list', 'ruleset'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  } finally {
    execFileSync('ip', ['netns', 'delete', name]);
  }
}

export class NamespaceLab {
  private readonly namespaces: string[] = [];
  private links = 0;
  private addresses = 1;

  private constructor(private readonly prefix: string) {}

  static async create(): Promise<NamespaceLab> {
    const lab = new NamespaceLab(`pk${process.pid}`);
    try {
      await lab.addNamespace('inet');
      await lab.bridge('inet', 'net');
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  /** A machine with a public address. */
  async addServer(name: string): Promise<LabMachine> {
    const address = `${INTERNET}.${++this.addresses}`;
    await this.addNamespace(name);
    await this.plug(name, 'eth0', `${address}/24`, 'inet', 'net');
    return this.machine(name, address);
  }

  /** A LAN 192.168.N.0/24 whose router masquerades; nothing that was not asked for comes in. */
  async addLan(number: number): Promise<LabLan> {
    const name = `nat${number}`;
    const outsideAddress = `${INTERNET}.${++this.addresses}`;
    await this.addNamespace(name);
    await this.plug(name, 'wan', `${outsideAddress}/24`, 'inet', 'net');
    await this.bridge(name, 'lan', `192.168.${number}.1/24`);
    const router = this.machine(name, `192.168.${number}.1`);
    await this.inside(router, ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    await this.rules(
      router,
      `table ip nat {
         chain out { type nat hook postrouting priority 100; oifname "wan" masquerade; }
       }
       table inet guard {
         chain pass {
           type filter hook forward priority 0; policy drop;
           iifname "lan" oifname "wan" accept
           iifname "lan" oifname "lan" accept
           iifname "wan" ct state established,related accept
         }
         chain own { type filter hook input priority 0; policy accept; iifname "wan" ct state new drop; }
       }`,
    );
    return { router, outsideAddress, number };
  }

  async addLanMachine(lan: LabLan, host: number): Promise<LabMachine> {
    const name = `lan${lan.number}-${host}`;
    const address = `192.168.${lan.number}.${host}`;
    await this.addNamespace(name);
    await this.plug(name, 'eth0', `${address}/24`, `nat${lan.number}`, 'lan');
    await this.ip(['-n', this.full(name), 'route', 'add', 'default', 'via', lan.router.address]);
    return this.machine(name, address);
  }

  /** Count what the router of a LAN lets in from an address outside; read by `counted`. */
  async countFrom(lan: LabLan, counter: string, outside: string): Promise<void> {
    await this.rules(
      lan.router,
      `table inet count_${counter} {
         counter total { }
         chain in { type filter hook forward priority -10; iifname "wan" ip saddr ${outside} counter name total; }
       }`,
    );
  }

  /** Bytes of packets, headers too. */
  async counted(lan: LabLan, counter: string): Promise<number> {
    const { stdout } = await this.inside(lan.router, [
      'nft',
      '-j',
      'list',
      'counter',
      'inet',
      `count_${counter}`,
      'total',
    ]);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { bytes: number } }[] };
    const found = nftables.find((item) => item.counter !== undefined)?.counter;
    if (found === undefined) throw new Error(`no counter ${counter}`);
    return found.bytes;
  }

  /** From now on the machine reaches nothing beyond its own LAN. */
  async cutFromInternet(lan: LabLan, machine: LabMachine): Promise<void> {
    await this.rules(
      lan.router,
      `table inet cut_${machine.name.replace('-', '_')} {
         chain out { type filter hook forward priority -20; iifname "lan" oifname "wan" ip saddr ${machine.address} drop; }
       }`,
    );
  }

  /** Run a program in a machine and wait for its end; rejects unless it ends with 0. */
  inside(machine: LabMachine, command: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const [program, ...args] = [...machine.command, ...command];
    return run(program!, args);
  }

  /** Every namespace, and all that is in it but processes: those end before. */
  async close(): Promise<void> {
    for (const namespace of this.namespaces.splice(0).reverse()) await this.ip(['netns', 'delete', namespace]);
  }

  private machine(name: string, address: string): LabMachine {
    return { name, address, command: ['ip', 'netns', 'exec', this.full(name)] };
  }

  private full(name: string): string {
    return `${this.prefix}-${name}`;
  }

  private async addNamespace(name: string): Promise<void> {
    await this.ip(['netns', 'add', this.full(name)]);
    this.namespaces.push(this.full(name));
    await this.ip(['-n', this.full(name), 'link', 'set', 'lo', 'up']);
  }

  private async bridge(namespace: string, name: string, address?: string): Promise<void> {
    const inside = ['-n', this.full(namespace)];
    await this.ip([...inside, 'link', 'add', name, 'type', 'bridge']);
    if (address !== undefined) await this.ip([...inside, 'address', 'add', address, 'dev', name]);
    await this.ip([...inside, 'link', 'set', name, 'up']);
  }

  /** A cable from a new interface of one namespace to a bridge of another. */
  private async plug(at: string, device: string, address: string, to: string, bridge: string): Promise<void> {
    const other = `port${++this.links}`;
    const peer = ['type', 'veth', 'peer', 'name', other, 'netns', this.full(to)];
    await this.ip(['-n', this.full(at), 'link', 'add', device, ...peer]);
    await this.ip(['-n', this.full(to), 'link', 'set', other, 'master', bridge, 'up']);
    await this.ip(['-n', this.full(at), 'address', 'add', address, 'dev', device]);
    await this.ip(['-n', this.full(at), 'link', 'set', device, 'up']);
  }

  private async rules(machine: LabMachine, text: string): Promise<void> {
    const [program, ...args] = [...machine.command, 'nft', '-f', '-'];
    const child = run(program!, args);
    child.child.stdin?.end(text);
    await child;
  }

  private async ip(args: readonly string[]): Promise<void> {
    await run('ip', args);
  }
}

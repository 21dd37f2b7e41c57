// The laboratory itself: what is behind NAT gets out, nobody gets in, neighbours hear each other, and bytes are counted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInNamespaces } from './describe-in-namespaces.js';
import { type LabLan, type LabMachine, NamespaceLab } from './namespace-lab.js';

/** Answers each connection with the address that it came from. */
const ECHO = `
  require('node:net').createServer((socket) => socket.end(socket.remoteAddress)).listen(5000, '0.0.0.0', () => console.log('up'));
  setTimeout(() => process.exit(), 30000);
`;
const ask = (address: string): string => `
  const socket = require('node:net').connect({ host: '${address}', port: 5000, timeout: 2000 });
  socket.on('data', (data) => process.stdout.write(data)).on('error', (error) => process.stdout.write(error.code));
  socket.on('timeout', () => { process.stdout.write('silence'); socket.destroy(); });
`;

describeInNamespaces('networks of namespaces', () => {
  let lab: NamespaceLab;
  let server: LabMachine;
  let lans: LabLan[];
  let machines: LabMachine[];
  const servers: ChildProcess[] = [];

  beforeAll(async () => {
    lab = await NamespaceLab.create();
    server = await lab.addServer('server');
    lans = [await lab.addLan(1), await lab.addLan(2)];
    machines = [
      await lab.addLanMachine(lans[0]!, 11),
      await lab.addLanMachine(lans[0]!, 12),
      await lab.addLanMachine(lans[1]!, 11),
    ];
    for (const machine of [server, ...machines]) {
      const [program, ...args] = [...machine.command, process.execPath, '-e', ECHO];
      const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      servers.push(child);
      await once(child.stdout!, 'data');
    }
  });

  afterAll(async () => {
    for (const child of servers) child.kill();
    await lab.close();
  });

  const asked = async (from: LabMachine, address: string): Promise<string> =>
    (await lab.inside(from, [process.execPath, '-e', ask(address)])).stdout;

  it('let machines of a LAN out under the address of their router', async () => {
    expect(await asked(machines[0]!, server.address)).toBe(lans[0]!.outsideAddress);
    expect(await asked(machines[2]!, server.address)).toBe(lans[1]!.outsideAddress);
  });

  it('let neighbours speak, and nobody in from outside', async () => {
    expect(await asked(machines[0]!, machines[1]!.address)).toBe(machines[0]!.address);
    expect(await asked(server, lans[0]!.outsideAddress)).toBe('silence');
    expect(await asked(machines[2]!, lans[0]!.outsideAddress)).toBe('silence');
  });

  it('count what comes in, and cut a machine off', async () => {
    await lab.countFrom(lans[0]!, 'server', server.address);
    expect(await lab.counted(lans[0]!, 'server')).toBe(0);
    await asked(machines[0]!, server.address);
    expect(await lab.counted(lans[0]!, 'server')).toBeGreaterThan(100);
    await lab.cutFromInternet(lans[0]!, machines[0]!);
    expect(await asked(machines[0]!, server.address)).toBe('silence');
    expect(await asked(machines[0]!, machines[1]!.address)).toBe(machines[0]!.address);
  });
});

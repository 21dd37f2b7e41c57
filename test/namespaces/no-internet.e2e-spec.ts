// A machine without Internet, as a real program in a network of namespaces (T7): its broker hears of it by a neighbour.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Command } from '../../scripts/demo/command.js';
import { assertBuiltAfresh, freshScriptOf } from '../built-afresh.js';
import { describeInNamespaces } from './describe-in-namespaces.js';
import type { LabLan, LabMachine } from './namespace-lab.js';
import { ReachNetwork } from './reach-network.js';

assertBuiltAfresh();

describeInNamespaces('a machine that is cut from the Internet', () => {
  let network: ReachNetwork;
  let lan: LabLan;
  let cut: LabMachine;
  let home: string;
  const running: Command[] = [];

  beforeAll(async () => {
    network = await ReachNetwork.create({ presenceIntervalMs: 2_000 });
    lan = await network.lab.addLan(1);
    cut = await network.lab.addLanMachine(lan, 20);
    home = await network.initClient(cut);
  }, 180_000);

  afterAll(async () => {
    await Promise.all(running.map((command) => command.end('SIGTERM')));
    await network.close();
  }, 60_000);

  function startAgent(): Command {
    const [file, ...before] = cut.command;
    const run = ['run', '--home', home, '--listen', '0.0.0.0:8445'];
    const args = [...before, process.execPath, freshScriptOf('peerkeep-agent'), ...run];
    const command = Command.startOther(file!, args, {}, 'the agent without Internet');
    running.push(command);
    return command;
  }

  it('is online by a neighbour that has a way to the broker, once it has learnt the keys of its network', async () => {
    const first = startAgent();
    await first.line(/^online: /);
    await first.end('SIGTERM');

    await network.lab.cutFromInternet(lan, cut);
    const direct = network.lab.inside(cut, [
      ...['timeout', '3', 'bash', '-c'],
      `exec 3<>/dev/tcp/${network.broker.address}/8443`,
    ]);
    await expect(direct).rejects.toThrow();

    const alone = startAgent();
    // Nobody of its network is there yet: it waits, and finds the way as soon as there is one.
    await network.addAgent(lan, 11);
    await alone.line(/^online: /);
  });
});

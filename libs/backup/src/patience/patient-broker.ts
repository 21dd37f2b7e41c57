// The broker as a long run sees it: one that is away for a while is waited for, within bounds, and the person is told.
import type { Clock } from '#process';
import { isRefusal, type ProtocolError } from '#protocol';
import type { BrokerPort, OnEvent } from '../ports.js';
import { askAgain } from './ask-again.js';

/**
 * A broker that has not answered yet is not waited for: the command fails at once, as its person expects. One that has
 * been given up is not waited for again until it answers.
 */
export class PatientBroker implements BrokerPort {
  private isWaitedFor = false;
  private isToldAway = false;
  private tell: OnEvent = () => undefined;

  constructor(
    private readonly broker: BrokerPort,
    private readonly options: { readonly clock: Clock; readonly random: () => number },
  ) {}

  /** Whoever is told from now on that the broker is away. */
  tellTo(onEvent: OnEvent): void {
    this.tell = onEvent;
  }

  readonly redundancy: BrokerPort['redundancy'] = (options) => this.ask(options, () => this.broker.redundancy(options));

  readonly beginPut: BrokerPort['beginPut'] = (request, options) =>
    this.ask(options, () => this.broker.beginPut(request, options));

  readonly beginGet: BrokerPort['beginGet'] = (request, options) =>
    this.ask(options, () => this.broker.beginGet(request, options));

  readonly beginDelete: BrokerPort['beginDelete'] = (request, options) =>
    this.ask(options, () => this.broker.beginDelete(request, options));

  readonly listObjects: BrokerPort['listObjects'] = (query, options) =>
    this.ask(options, () => this.broker.listObjects(query, options));

  readonly repairs: BrokerPort['repairs'] = {
    own: (query, options) => this.ask(options, () => this.broker.repairs.own(query, options)),
  };

  readonly peerStatus: BrokerPort['peerStatus'] = (options) => this.ask(options, () => this.broker.peerStatus(options));

  readonly sendReports: BrokerPort['sendReports'] = (request, options) =>
    this.ask(options, () => this.broker.sendReports(request, options));

  /** Each of these requests may be asked twice, also when it was done and only its answer is lost (SPEC §5.1). */
  private async ask<T>(options: { signal?: AbortSignal | undefined } = {}, ask: () => Promise<T>): Promise<T> {
    const { clock, random } = this.options;
    try {
      const answer = await askAgain(ask, {
        situation: 'broker',
        clock,
        random,
        signal: options.signal,
        onRefused: (refusal) => this.goesOn(refusal),
      });
      this.isWaitedFor = true;
      this.isToldAway = false;
      return answer;
    } catch (error) {
      // Any other refusal is an answer.
      if (isRefusal(error, 'broker_unreachable')) this.isWaitedFor = false;
      throw error;
    }
  }

  private goesOn({ code, message }: ProtocolError): boolean {
    if (!this.isWaitedFor) return false;
    if (!this.isToldAway) {
      this.tell({ kind: 'warning', code, detail: `${message}: asking again, for up to five minutes` });
    }
    this.isToldAway = true;
    return true;
  }
}

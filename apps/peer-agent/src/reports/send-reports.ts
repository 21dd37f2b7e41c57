// Sends what waits in the outbox and the tally to the broker, off the path of any transfer.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { Log } from '#process';
import { REPORTS_PER_REQUEST_MAX, type Report, type SendReportsAnswer } from '#protocol';
import { REPORTS_BYTES_PER_REQUEST } from '../limits.js';
import { RefusalTally } from './refusal-tally.js';
import { ReportOutbox, type WaitingReport } from './report-outbox.js';

@Injectable()
export class SendReports {
  constructor(
    private readonly outbox: ReportOutbox,
    private readonly tally: RefusalTally,
    private readonly broker: BrokerClient,
    private readonly log: Log,
  ) {}

  /** Send until nothing waits. Throws what the broker refuses with; then everything that was not taken waits on. */
  async run(options: { signal?: AbortSignal } = {}): Promise<void> {
    while (await this.sendBatch(options));
    const lost = this.tally.takeLost();
    if (lost > 0) this.log.warn({ event: 'refusals_not_reported', count: lost });
  }

  private async sendBatch(options: { signal?: AbortSignal }): Promise<boolean> {
    const waiting = await this.outbox.next(REPORTS_PER_REQUEST_MAX, REPORTS_BYTES_PER_REQUEST);
    const refusals = this.tally.take(REPORTS_PER_REQUEST_MAX - waiting.length);
    if (waiting.length + refusals.length === 0) return false;
    const results = await this.send([...waiting.map(({ report }) => report), ...refusals], refusals, options);
    for (const [i, { report }] of waiting.entries()) this.logIfRefused(report, results[i]);
    for (const [i, report] of refusals.entries()) this.logIfRefused(report, results[waiting.length + i]);
    await this.outbox.remove(waiting satisfies WaitingReport[]);
    return true;
  }

  private async send(
    reports: Report[],
    refusals: readonly Report[],
    options: { signal?: AbortSignal },
  ): Promise<SendReportsAnswer['results']> {
    try {
      return (await this.broker.sendReports({ reports }, options)).results;
    } catch (error) {
      this.tally.putBack(refusals);
      throw error;
    }
  }

  /** A result other than `recorded` means never: the report is dropped, and the log is the only one that knows. */
  private logIfRefused(report: Report, result: SendReportsAnswer['results'][number] | undefined): void {
    if (result === 'recorded') return;
    const transactionId = report.outcome === 'refused' ? null : report.transactionId;
    this.log.warn({ event: 'report_refused', outcome: report.outcome, transactionId, code: result });
  }
}

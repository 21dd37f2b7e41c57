// A book of figures: what Prometheus reads, and that two applications of one process have nothing in common.
import { describe, expect, it } from 'vitest';
import { MetricsBook } from './metrics-book.js';

const linesOf = async (book: MetricsBook): Promise<string[]> =>
  (await book.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('a book of figures', () => {
  it('tells counters, histograms and what is asked at the moment', async () => {
    const book = new MetricsBook('peerkeep_test_');
    book.counter({ name: 'puts_total', help: 'Puts.', labels: ['end'] }).inc({ end: 'done' }, 2);
    book.histogram({ name: 'wait_seconds', help: 'Waits.' }, [0.1, 1]).observe(0.5);
    let depth = 3;
    book.gauge({ name: 'depth', help: 'Depth.' }, () => depth);
    book.gauge({ name: 'hosts', help: 'Hosts.', labels: ['state'] }, async () => ({ active: 4, gone: 0 }));
    book.counted({ name: 'mails_total', help: 'Mails.', labels: ['outcome'] }, () => ({ sent: 7 }));
    expect(await linesOf(book)).toContain('peerkeep_test_depth 3');
    depth = 5;
    const lines = await linesOf(book);
    expect(lines).toEqual(
      expect.arrayContaining([
        'peerkeep_test_puts_total{end="done"} 2',
        'peerkeep_test_wait_seconds_bucket{le="0.1"} 0',
        'peerkeep_test_wait_seconds_bucket{le="1"} 1',
        'peerkeep_test_depth 5',
        'peerkeep_test_hosts{state="active"} 4',
        'peerkeep_test_hosts{state="gone"} 0',
        'peerkeep_test_mails_total{outcome="sent"} 7',
      ]),
    );
  });

  it('does not tell what is not known', async () => {
    const book = new MetricsBook('peerkeep_test_');
    let offset: number | null = 1;
    book.gauge({ name: 'offset_seconds', help: 'Offset.' }, () => offset);
    expect(await linesOf(book)).toEqual(['peerkeep_test_offset_seconds 1']);
    offset = null;
    expect(await linesOf(book)).toEqual([]);
  });

  it('has nothing in common with another', async () => {
    const [first, second] = [new MetricsBook('peerkeep_test_'), new MetricsBook('peerkeep_test_')];
    first.counter({ name: 'puts_total', help: 'Puts.' }).inc();
    second.counter({ name: 'puts_total', help: 'Puts.' });
    expect(await linesOf(second)).toEqual(['peerkeep_test_puts_total 0']);
  });

  it('refuses names that Prometheus has other words for', () => {
    const book = new MetricsBook('peerkeep_test_');
    expect(() => book.counter({ name: 'puts', help: 'Puts.' })).toThrow();
    expect(() => book.gauge({ name: 'Puts-Now', help: 'Puts.' }, () => 1)).toThrow();
  });
});

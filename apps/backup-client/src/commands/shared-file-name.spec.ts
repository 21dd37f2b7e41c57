// Names that a sender chose: none hides, and each fits a folder while the file comes.
import { expect, it } from 'vitest';
import { savedNameOf } from './shared-file-name.js';

it.each([
  ['report.pdf', 'report.pdf'],
  ['.bashrc', '_bashrc'],
  ['...x.y', '___x.y'],
])('%s is saved as %s', (name, saved) => expect(savedNameOf(name)).toBe(saved));

it('is cut between characters to what leaves room for the suffix of a file that is on its way', () => {
  const saved = savedNameOf('ü'.repeat(127));
  expect(saved).toBe('ü'.repeat(111));
  expect(Buffer.byteLength(`${saved}.peerkeep-4194304.partial`)).toBeLessThanOrEqual(255);
});

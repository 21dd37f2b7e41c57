// Takes over what is right of a file that is there into the one that is made beside it. The old one is only read.
import { ProtocolError } from '#protocol';
import { interruptedBy } from './restore-tally.js';
import type { RestoringFile } from './restoring-file.js';
import { readAt } from './stored-content.js';

const PIECE_BYTES = 1024 * 1024;

export class KeptParts {
  /** How many bytes are right from the beginning on, while nothing differs. */
  private rightBytes = 0;
  private way: 'waits' | 'shares' | 'copies' = 'waits';

  /**
   * file         the new one, not made before anything differs
   * descriptor   of the old one
   */
  constructor(
    private readonly file: RestoringFile,
    private readonly descriptor: number,
    private readonly signal: AbortSignal,
  ) {}

  /** The old file has these bytes of the new one, and all before it were told. throws local_disk */
  async keep(bytes: Buffer, offset: number): Promise<void> {
    if (this.way === 'waits') this.rightBytes = offset + bytes.length;
    else if (this.way === 'copies') await this.file.takeOver(bytes, offset);
  }

  /** The files differ, so the new one is made: where the disk can, it shares the old one's bytes. throws local_disk | interrupted */
  async differ(): Promise<void> {
    if (this.way !== 'waits') return;
    this.way = this.file.shareBytes(this.descriptor) ? 'shares' : 'copies';
    if (this.way === 'shares') return;
    for (let offset = 0; offset < this.rightBytes; ) {
      interruptedBy(this.signal);
      const bytes = await readAt(this.descriptor, offset, Math.min(PIECE_BYTES, this.rightBytes - offset));
      // Somebody cut it off meanwhile.
      if (bytes.length === 0) throw new ProtocolError('local_disk', { reason: 'a file changed while it was read' });
      await this.file.takeOver(bytes, offset);
      offset += bytes.length;
    }
  }
}

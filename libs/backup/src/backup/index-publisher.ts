// Publishes where chunks lie: index objects, from which a machine that lost its cache learns it without reading data.
import type { ChunkIndexFile } from '../chunk-index-file.js';
import type { ChunkPacker } from '../put/chunk-packer.js';
import { indexDocuments } from '../trees/index-documents.js';

/** A run that dies leaves at most this many objects for the next run to publish. */
const UNPUBLISHED_OBJECTS_MAX = 64;

export class IndexPublisher {
  constructor(
    private readonly cache: Pick<ChunkIndexFile, 'unpublished' | 'markPublished'>,
    private readonly packer: ChunkPacker,
  ) {}

  get isDue(): boolean {
    return this.cache.unpublished.size >= UNPUBLISHED_OBJECTS_MAX;
  }

  /**
   * Store what is not published yet and wait until it is safe. Before this, nothing may name those chunks: a snapshot
   * comes after its index.
   */
  async publish(): Promise<void> {
    const objects = [...this.cache.unpublished.values()];
    if (objects.length === 0) return;
    for (const document of indexDocuments(objects)) await this.packer.add('index', document);
    await this.packer.flush(['index']);
    await this.cache.markPublished(objects.map(({ objectId }) => objectId));
  }
}

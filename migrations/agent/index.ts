// The migrations of a host's agent.db, oldest first.
import { FirstRelease1790000000000 } from './1790000000000-first-release.js';
import { SeveralUses1795000000310 } from './1795000000310-several-uses.js';
import { Epochs1795000000320 } from './1795000000320-epochs.js';
import { TrashAndBatches1795000000330 } from './1795000000330-trash-and-batches.js';
import { Scrub1795000001300 } from './1795000001300-scrub.js';
import { KeepFilter1795000001900 } from './1795000001900-keep-filter.js';
import { RefusalCounts1795000002300 } from './1795000002300-refusal-counts.js';
import { WithdrawnTokens1795000003300 } from './1795000003300-withdrawn-tokens.js';
import { ShareUse1795000003400 } from './1795000003400-share-use.js';
import { RelayLink1795000003500 } from './1795000003500-relay-link.js';

export const AGENT_MIGRATIONS = [
  FirstRelease1790000000000,
  SeveralUses1795000000310,
  Epochs1795000000320,
  TrashAndBatches1795000000330,
  Scrub1795000001300,
  KeepFilter1795000001900,
  RefusalCounts1795000002300,
  WithdrawnTokens1795000003300,
  ShareUse1795000003400,
  RelayLink1795000003500,
] as const;

// The broker's migrations, oldest first.
import { FirstTables1795000000000 } from './1795000000000-first-tables.js';

export const brokerMigrations = [FirstTables1795000000000] as const;

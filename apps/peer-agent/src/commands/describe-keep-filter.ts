// What came of the keep-filter, in one line for a person. Pure.
import { ERRORS, formatTime, isErrorCode } from '#protocol';
import type { KeepState } from '../keep-filter/keep-state.js';
import { formatSize } from './size-text.js';

type Told = Pick<
  KeepState,
  'askedMs' | 'code' | 'lastShards' | 'lastBytes' | 'allShards' | 'allBytes' | 'backShards' | 'heldShards' | 'heldBytes'
>;

export function describeKeepFilter(state: Told): string {
  const { code, askedMs, heldShards, heldBytes, backShards } = state;
  const last =
    askedMs === 0
      ? 'not asked yet'
      : `asked ${formatTime(askedMs)}, ${shardsText(state.lastShards, state.lastBytes)} put away`;
  const all = `${shardsText(state.allShards, state.allBytes)} in all`;
  const back = backShards === 0 ? '' : `, ${backShards} came back`;
  const held =
    heldShards === 0
      ? ''
      : `; ${shardsText(heldShards, heldBytes)} held back: if the broker is right not to know them, stop the agent and run ` +
        '`peerkeep-agent keep-filter --accept`';
  const fault = code === null || heldShards > 0 ? '' : `; the last run ended: ${titleOf(code)}`;
  return `${last}; ${all}${back}${held}${fault}`;
}

function shardsText(shards: number, bytes: number): string {
  return `${shards} shards (${formatSize(bytes)})`;
}

function titleOf(code: string): string {
  return isErrorCode(code) ? `${ERRORS[code].title} (${code})` : code;
}

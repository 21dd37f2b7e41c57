// Which fields two policies differ in. Pure.
import { isDeepStrictEqual } from 'node:util';

export interface ChangedField {
  /** `exchange.windowDays`; a list is told whole. */
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

export function changedFields(from: unknown, to: unknown, path = ''): ChangedField[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isDocument(from) || !isDocument(to)) return [{ field: path, from: from ?? null, to: to ?? null }];
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names.flatMap((name) => changedFields(from[name], to[name], path === '' ? name : `${path}.${name}`));
}

function isDocument(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

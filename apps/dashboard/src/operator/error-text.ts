// What a code of a refusal means, from the catalogue that broker and peers share (SPEC §9).
import { ERRORS, type ErrorRow } from '../../../../libs/protocol/src/errors.js';

export function rowOf(code: string): ErrorRow | null {
  return Object.hasOwn(ERRORS, code) ? (ERRORS as Readonly<Record<string, ErrorRow>>)[code]! : null;
}

export function titleOf(code: string): string {
  return rowOf(code)?.title ?? 'a code that this broker does not know';
}

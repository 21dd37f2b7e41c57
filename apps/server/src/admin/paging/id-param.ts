// An id in an address: what is no id names nothing that exists.
import { type ErrorCode, isUuidV7, ProtocolError } from '#protocol';

/** throws the code, as for an id of nothing */
export function idParam<T extends string>(text: string, unknown: ErrorCode): T {
  if (!isUuidV7(text)) throw new ProtocolError(unknown);
  return text as T;
}

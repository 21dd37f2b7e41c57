// How a hashed password is written down: the PHC string of Argon2id, with its parameters (RFC 9106, PHC string format).

export interface Argon2Parameters {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** OWASP's first choice for Argon2id with little memory: 19 MiB, two passes, one lane. */
export const CURRENT_PARAMETERS: Argon2Parameters = { memoryKib: 19_456, passes: 2, lanes: 1 };

export const SALT_BYTES = 16;
export const HASH_BYTES = 32;

export interface PasswordHash {
  readonly parameters: Argon2Parameters;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, in base64 without padding */
export function encodePasswordHash({ parameters, salt, hash }: PasswordHash): string {
  const { memoryKib, passes, lanes } = parameters;
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

/** null for anything but such a string */
export function parsePasswordHash(text: string): PasswordHash | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
    text,
  );
  if (match === null) return null;
  const [, memoryKib, passes, lanes, salt, hash] = match;
  return {
    parameters: { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt!, 'base64'),
    hash: Buffer.from(hash!, 'base64'),
  };
}

/** Was the password hashed with other parameters than today's? */
export function isOutdated({ parameters }: PasswordHash): boolean {
  const { memoryKib, passes, lanes } = CURRENT_PARAMETERS;
  return parameters.memoryKib !== memoryKib || parameters.passes !== passes || parameters.lanes !== lanes;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

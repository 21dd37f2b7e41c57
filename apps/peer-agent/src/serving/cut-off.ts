// The network ended a transfer: nobody's fault that could be proven, so the token may be tried again.

export class CutOff extends Error {
  override readonly name = 'CutOff';

  constructor(cause?: unknown) {
    super('the connection ended before the transfer did', cause === undefined ? undefined : { cause });
  }
}

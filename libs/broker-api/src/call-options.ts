// What every call of the broker takes beside its message.
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

// One row of the catalogue of refusals (SPEC §9).

/**
 * What HTTP status carries the code, whether the same request may succeed later unchanged, what happened (`title`, for
 * people) and what the person should do (`hint`).
 */
export interface ErrorRow {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly hint: string;
}

export const row = (status: number, retryable: boolean, title: string, hint: string): ErrorRow => ({
  status,
  retryable,
  title,
  hint,
});

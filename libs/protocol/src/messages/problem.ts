// How an error travels: RFC 9457 problem documents with a stable code.
import { z } from 'zod';
import { ERRORS, type ErrorFacts, isErrorCode, ProtocolError } from '../errors.js';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  hint: z.string(),
  retryable: z.boolean(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  traceId: z.string().optional(),
});
export type ProblemDocument = z.infer<typeof problemDocument>;

/** What the one who asked may know of an error. The cause stays in the log. */
export function problemFrom(error: ProtocolError): ProblemDocument {
  const { title, hint } = ERRORS[error.code];
  return {
    type: `urn:peerkeep:error:${error.code}`,
    title,
    status: error.status,
    code: error.code,
    detail: error.message,
    hint,
    retryable: error.retryable,
    facts: error.facts,
  };
}

/** The error that a problem document tells of; null when the body is not one (a proxy's page, say). */
export function errorFromProblem(body: unknown): ProtocolError | null {
  const parsed = problemDocument.safeParse(body);
  if (!parsed.success || !isErrorCode(parsed.data.code)) return null;
  const facts: ErrorFacts = parsed.data.facts ?? {};
  return new ProtocolError(
    parsed.data.code,
    facts,
    parsed.data.detail === undefined ? {} : { detail: parsed.data.detail },
  );
}

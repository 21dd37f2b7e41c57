// The bounds of first contact and of connections.

export const CONNECT_MS_MAX = 5_000;
/** The broker answers an enrolment within this time, or the person tries again. */
export const ENROLMENT_ANSWER_MS_MAX = 30_000;
export const ENROLMENT_ANSWER_BYTES_MAX = 64 * 1024;
/** The longest that is waited for a broker that does not answer, beside the interval of the polls. */
export const POLL_BACK_OFF_MS_MAX = 60_000;
/** A chain longer than this is not one of ours: leaf, CA, and room for an intermediate. */
export const CHAIN_CERTIFICATES_MAX = 4;

// The bounds of mail.

/** Mails that wait; past it whoever wants to send one is refused. */
export const MAILS_WAITING_MAX = 256;

/** Attempts for one mail, and the pause before the second; later pauses are longer. */
export const MAIL_ATTEMPTS_MAX = 4;
export const MAIL_RETRY_MS = 60_000;

/** How long a mail server may take for each step. */
export const SMTP_TIMEOUT_MS = 20_000;

/** Files that DATA/mail may hold; past it mails wait, and then are given up. */
export const MAIL_FILES_MAX = 10_000;

/** How long a stopping broker goes on sending. */
export const MAIL_DRAIN_MS_MAX = 10_000;

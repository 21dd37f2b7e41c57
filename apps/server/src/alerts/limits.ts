// The bounds of alerts.
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How often conditions are looked at, and how often it is looked whether a post is due. */
export const ALERT_INTERVAL_MS = MINUTE_MS;
export const POST_INTERVAL_MS = 15_000;
/** Posts that wait for the webhook, how long each does, and the pauses between its tries. */
export const POSTS_WAITING_MAX = 200;
export const POST_LIFE_MS = 7 * DAY_MS;
export const POST_PAUSE_MS_MIN = MINUTE_MS;
export const POST_PAUSE_MS_MAX = HOUR_MS;
/** For how long alerts that ended are kept. */
export const ALERTS_KEPT_MS = 365 * DAY_MS;
export const WEBHOOK_SECRET_BYTES_MIN = 16;

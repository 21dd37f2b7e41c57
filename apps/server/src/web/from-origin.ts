// Does a request that changes something come from a page of ours? As all programs of ours judge it.
export { isFromOrigin } from '#process';

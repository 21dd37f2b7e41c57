// How a time of a tree becomes the argument of utimes. Pure.

/**
 * The text that makes Node set a time to the microsecond at or before it.
 *
 * Node hands seconds to the system as a double, which libuv cuts towards zero to whole microseconds: nanoseconds below
 * that cannot be set, and a plain division would often land one microsecond off. Half a microsecond away from zero
 * makes the cut exact within 2^32 seconds of 1970 (to the year 2106; later it is a microsecond off at times). A text, since Node takes a negative number to mean "now".
 *
 * timeNs    ns since 1970, signed
 * returns   what utimes, lutimes and futimes take; the file then has floorToMicrosecond(timeNs)
 */
export function utimesText(timeNs: bigint): string {
  const micros = Number(floorToMicrosecond(timeNs) / 1_000n);
  return String((micros + (micros < 0 ? -0.5 : 0.5)) / 1e6);
}

/** The time that a restored entry has for a time in the tree, ns. */
export function floorToMicrosecond(timeNs: bigint): bigint {
  const below = timeNs % 1_000n;
  return timeNs - (below < 0n ? below + 1_000n : below);
}

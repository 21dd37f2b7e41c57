// One network of visitors has so many connections and no more, however it writes its addresses.
import { expect, it } from 'vitest';
import { VisitorPlaces } from './visitor-places.js';

it.each([
  ['an IPv4 address', ['192.0.2.1', '::ffff:192.0.2.1'], '192.0.2.2'],
  ['an IPv6 network of 64 bits', ['2001:db8:0:1::1', '2001:db8:0:1:ffff::%eth0'], '2001:db8:0:2::1'],
  ['what no address is known of', ['', ''], '192.0.2.1'],
])('%s shares its places, and takes none of another', (_what, [first = '', second = ''], other) => {
  const places = new VisitorPlaces(2);
  const giveBack = places.take(first);
  expect(places.take(second)).not.toBeNull();
  expect([places.take(first), places.take(second)]).toEqual([null, null]);
  expect(places.take(other)).not.toBeNull();
  giveBack?.();
  expect(places.take(second)).not.toBeNull();
  expect(places.take(first)).toBeNull();
});

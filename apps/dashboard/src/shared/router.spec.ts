// Addresses of the console's pages.
import { describe, expect, it } from 'vitest';
import { routeOf } from './router.js';

describe('routeOf', () => {
  it.each([
    ['/console', { page: '', id: null, query: {} }],
    ['/console/peers', { page: 'peers', id: null, query: {} }],
    ['/console/peers/', { page: 'peers', id: null, query: {} }],
    ['/console/peers/a%2Fb?state=active&name=', { page: 'peers', id: 'a/b', query: { state: 'active', name: '' } }],
  ])('%s', (path, route) => {
    expect(routeOf(new URL(path, 'https://broker.example'))).toEqual(route);
  });
});

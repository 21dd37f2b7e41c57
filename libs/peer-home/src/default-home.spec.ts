// Where the home is when nobody says, and what the machine is called.
import { describe, expect, it } from 'vitest';
import { homePathOf, nameOfMachine } from './default-home.js';

describe('the home folder', () => {
  it.each([
    ['/a', { PEERKEEP_HOME: '/b', XDG_DATA_HOME: '/c' }, '/a'],
    [undefined, { PEERKEEP_HOME: '/b', XDG_DATA_HOME: '/c' }, '/b'],
    [undefined, { XDG_DATA_HOME: '/c' }, '/c/peerkeep'],
    [undefined, { PEERKEEP_HOME: '', XDG_DATA_HOME: '/c' }, '/c/peerkeep'],
  ])('--home %s with %j is %s', (option, environment, path) => {
    expect(homePathOf(option, environment)).toBe(path);
  });
});

it.each([
  ['Ann-PC.example.org', 'ann-pc'],
  ['häuschen', 'h-uschen'],
  ['---', 'peer'],
  ['', 'peer'],
])('a machine called %j is the peer %s', (host, name) => {
  expect(nameOfMachine(host)).toBe(name);
});

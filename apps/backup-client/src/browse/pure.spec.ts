// The rules of HTTP and WebDAV that the view follows, by table: paths, ranges, conditions and what a PROPFIND asks for.
import type { IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hrefOf, parseTarget } from '#backup';
import { decideCondition, decideRange, isAllowedHost, isLoopback, rangeCounts } from '#process';
import { isAllowedUser } from './access.js';
import { escapeXml } from './multistatus.js';
import { parsePropfind } from './propfind-request.js';

describe('paths', () => {
  it('come back as the names that they were made of, whatever bytes those are', () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .filter((bytes) => !['.', '..'].includes(Buffer.from(bytes).toString()));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), fc.boolean(), (names, isFolder) => {
        const href = hrefOf(names, isFolder) || '/';
        expect(href).toMatch(/^(?:\/(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*)+$/);
        const parsed = parseTarget(href)!;
        expect(parsed.steps.map((step) => [...step])).toEqual(names.map((bytes) => [...bytes]));
        expect(parsed.isFolder).toBe(isFolder || names.length === 0);
      }),
    );
  });

  it('are refused when they are no paths', () => {
    for (const target of ['*', '', 'x', '/%4', '/a//b', '/%g0']) expect(parseTarget(target), target).toBeNull();
    expect(parseTarget('http://localhost:1/a/?q=/')).toEqual({ steps: [Uint8Array.from([0x61])], isFolder: true });
    expect(parseTarget('/a/./../../b')!.steps.map((step) => Buffer.from(step).toString())).toEqual(['b']);
  });
});

describe('ranges', () => {
  const cases: [string | undefined, number, ReturnType<typeof decideRange>][] = [
    [undefined, 10, { kind: 'whole' }],
    ['bytes=0-', 10, { kind: 'part', start: 0, end: 10 }],
    ['bytes=3-5', 10, { kind: 'part', start: 3, end: 6 }],
    ['bytes=3-99', 10, { kind: 'part', start: 3, end: 10 }],
    ['bytes=-3', 10, { kind: 'part', start: 7, end: 10 }],
    ['bytes=-99', 10, { kind: 'part', start: 0, end: 10 }],
    ['bytes=-0', 10, { kind: 'unsatisfiable' }],
    ['bytes=10-', 10, { kind: 'unsatisfiable' }],
    ['bytes=0-', 0, { kind: 'unsatisfiable' }],
    ['bytes=5-3', 10, { kind: 'whole' }],
    ['bytes=-', 10, { kind: 'whole' }],
    ['bytes=0-1,3-4', 10, { kind: 'whole' }],
    ['lines=0-1', 10, { kind: 'whole' }],
  ];
  it.each(cases)('%s of %i bytes', (header, sizeBytes, wanted) => {
    expect(decideRange(header, sizeBytes)).toEqual(wanted);
  });
});

describe('conditions', () => {
  const modifiedMs = Date.UTC(2026, 10, 21, 12, 0, 0, 500);
  const at = (seconds: number): string => new Date(modifiedMs + seconds * 1000).toUTCString();
  const validators = { etag: '"e"', modifiedMs };
  const cases: [IncomingHttpHeaders, string][] = [
    [{}, 'go_on'],
    [{ 'if-match': '"x", "e"' }, 'go_on'],
    [{ 'if-match': '*' }, 'go_on'],
    [{ 'if-match': 'W/"e"' }, 'failed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-unmodified-since': at(0) }, 'go_on'],
    [{ 'if-unmodified-since': at(-1) }, 'failed'],
    [{ 'if-none-match': 'W/"e"' }, 'not_modified'],
    [{ 'if-none-match': '*' }, 'not_modified'],
    [{ 'if-none-match': '"x"', 'if-modified-since': at(0) }, 'go_on'],
    [{ 'if-modified-since': at(0) }, 'not_modified'],
    [{ 'if-modified-since': at(-1) }, 'go_on'],
    [{ 'if-modified-since': 'yesterday' }, 'go_on'],
  ];
  it.each(cases)('%j', (headers, wanted) => {
    expect(decideCondition(headers, validators)).toBe(wanted);
  });

  it('let a range count only for what it was asked of', () => {
    const counts = (text?: string) => rangeCounts(text === undefined ? {} : { 'if-range': text }, validators);
    expect([counts(), counts('"e"'), counts('W/"e"'), counts('"x"'), counts(at(0)), counts(at(1))]).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});

describe('a propfind', () => {
  const wished = (body: string) => {
    const request = parsePropfind(body);
    return request?.kind === 'some'
      ? request.names.map(({ namespace, local }) => `${namespace} ${local}`)
      : request?.kind;
  };

  it('is refused when its names are so long that the answer would be a flood', () => {
    const asking = (namespace: string, names: number): string =>
      `<D:propfind xmlns:D="DAV:" xmlns:x="${namespace}"><D:prop>${'<x:a/>'.repeat(names)}</D:prop></D:propfind>`;
    expect(wished(asking('urn:some', 100))).toHaveLength(100);
    expect(wished(asking('&quot;'.repeat(1_000), 5))).toBeUndefined();
    expect(wished(asking('u'.repeat(50_000), 1))).toBeUndefined();
  });

  it('asks for all, for names, or for some', () => {
    expect(wished('')).toBe('all');
    expect(wished('<propfind xmlns="DAV:"><allprop/></propfind>')).toBe('all');
    expect(wished("<?xml version='1.0'?><a:propfind xmlns:a='DAV:'><!-- <x> --><a:propname/></a:propfind>")).toBe(
      'names',
    );
    expect(
      wished('<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><c xmlns="urn:&lt;>"/><d/></D:prop></D:propfind>'),
    ).toEqual(['DAV: getetag', 'urn:<> c', ' d']);
  });

  it('is refused when it is none', () => {
    const bodies = [
      '<propfind xmlns="urn:x"><allprop/></propfind>',
      '<propfind xmlns="DAV:"/>',
      '<propfind xmlns="DAV:"><prop></propfind></prop>',
      '<D:propfind><D:prop/></D:propfind>',
      '<propfind xmlns="DAV:"><prop/></propfind><propfind xmlns="DAV:"><prop/></propfind>',
      '<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><prop/></propfind>',
      `${'<a xmlns="DAV:">'.repeat(20)}${'</a>'.repeat(20)}`,
      `<propfind xmlns="DAV:"><prop>${'<a/>'.repeat(300)}</prop></propfind>`,
    ];
    for (const body of bodies) expect(wished(body), body).toBeUndefined();
  });

  it('is answered with XML, whatever names hold', () => {
    expect(escapeXml('<a href="&">\u0000\u001f\uffff\t')).toBe('&lt;a href=&quot;&amp;&quot;&gt;\ufffd\ufffd\ufffd\t');
  });
});

describe('who may ask', () => {
  it('is this machine by its own names', () => {
    const listen = { host: '127.0.0.1', port: 80 };
    const hosts = [
      '127.0.0.1:80',
      'LOCALHOST:80',
      '[::1]:80',
      '127.0.0.1',
      'evil.example:80',
      '127.0.0.1:81',
      undefined,
    ];
    expect(hosts.map((host) => isAllowedHost(host, listen))).toEqual([true, true, true, false, false, false, false]);
    const addresses = ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '0.0.0.0', '::', '127.0.0.1.example', '10.0.0.1'];
    expect(addresses.map(isLoopback)).toEqual([true, true, true, true, false, false, false, false]);
  });

  it('knows the password', () => {
    const wanted = { user: 'me', password: 'p:w' };
    const given = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const asked = [{}, given('me:p'), given('me:p:w'), { authorization: 'Bearer me:p:w' }, given('me')];
    expect(asked.map((headers) => isAllowedUser(headers, wanted))).toEqual([false, false, true, false, false]);
    expect(isAllowedUser({}, null)).toBe(true);
  });
});

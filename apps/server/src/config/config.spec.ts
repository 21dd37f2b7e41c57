// Configuration and policy: safe defaults, and every fault told at once.

import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { readConfig } from './config.js';
import { parsePolicy } from './policy.js';

const faultsOf = (act: () => unknown): [string, string] => {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error('no fault was found');
};

describe('readConfig', () => {
  it('takes flags before the environment', () => {
    const environment = { PEERKEEP_DATA_DIR: '/env', PEERKEEP_LISTEN: '127.0.0.1:1' };
    expect(readConfig({ dataDir: '/flag', listen: '[::1]:0' }, environment)).toEqual({
      dataDir: '/flag',
      listen: { host: '::1', port: 0 },
      adminListen: { host: '127.0.0.1', port: 0 },
      dnsListen: null,
      trustDomain: null,
      policy: null,
      smtpUrl: null,
      captchaSecret: null,
      testMode: false,
    });
    expect(readConfig({}, environment).dataDir).toBe('/env');
  });

  it('has the admin interface on this machine alone, unless it is told otherwise', () => {
    const environment = { PEERKEEP_DATA_DIR: '/env', PEERKEEP_LISTEN: '0.0.0.0:1' };
    expect(readConfig({}, environment).adminListen).toEqual({ host: '127.0.0.1', port: 0 });
    const told = { ...environment, PEERKEEP_ADMIN_LISTEN: '127.0.0.1:4712' };
    expect(readConfig({}, told).adminListen).toEqual({ host: '127.0.0.1', port: 4712 });
    expect(readConfig({ adminListen: '[::1]:1' }, told).adminListen).toEqual({ host: '::1', port: 1 });
  });

  it('answers DNS where it is told to, and nowhere else', () => {
    const environment = { PEERKEEP_DATA_DIR: '/env', PEERKEEP_LISTEN: '0.0.0.0:1', PEERKEEP_DNS_LISTEN: '[::1]:53' };
    expect(readConfig({}, environment).dnsListen).toEqual({ host: '::1', port: 53 });
    expect(readConfig({ dns: '0.0.0.0:53' }, environment).dnsListen).toEqual({ host: '0.0.0.0', port: 53 });
    expect(faultsOf(() => readConfig({ dns: 'everywhere' }, environment))).toEqual([
      'usage',
      '--dns everywhere is not HOST:PORT',
    ]);
  });

  it('takes the secret of an outside CAPTCHA from the environment alone, and test mode from the flag alone (B2)', () => {
    const environment = { PEERKEEP_DATA_DIR: '/env', PEERKEEP_LISTEN: '127.0.0.1:1' };
    const config = readConfig({ testMode: true }, { ...environment, PEERKEEP_CAPTCHA_SECRET: 'secret' });
    expect([config.captchaSecret, config.testMode]).toEqual(['secret', true]);
    expect(readConfig({}, { ...environment, PEERKEEP_CAPTCHA_SECRET: '' }).captchaSecret).toBeNull();
  });

  it('tells every fault at once', () => {
    const [code, detail] = faultsOf(() => readConfig({ listen: 'x', adminListen: 'y', trustDomain: 'No Domain' }, {}));
    expect(code).toBe('usage');
    for (const name of ['--data-dir', '--listen', '--admin-listen', '--trust-domain']) expect(detail).toContain(name);
  });
});

describe('parsePolicy', () => {
  it('fills in what is missing', () => {
    expect(parsePolicy({ openingCreditBytes: 5 })).toEqual({ ...parsePolicy({}), openingCreditBytes: 5 });
  });

  it('tells every fault at once', () => {
    const [code, detail] = faultsOf(() =>
      parsePolicy({
        redundancy: [{ hosts: 2, dataShards: 3, totalShards: 3, safeShards: 2 }],
        tokenLifeMs: 1e9,
        typo: true,
      }),
    );
    expect(code).toBe('policy_invalid');
    for (const name of ['redundancy.0', 'tokenLifeMs', 'typo']) expect(detail).toContain(name);
  });

  it('refuses relations that break the protocol', () => {
    const presence = { presenceIntervalMs: 2_000, presenceTtlMs: 1_000 };
    expect(faultsOf(() => parsePolicy(presence))[1]).toContain('presenceTtlMs');
  });
});

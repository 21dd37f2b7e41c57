// Writes libs/protocol/vectors/*.json from the built protocol. Run after `npm run build`, when the wire contract grows:
//   node scripts/make-protocol-vectors.js
// The committed values are the contract: a change of one that is there already breaks every peer in the field.
// Receipts are signed with chance (ECDSA), so receipts.json comes out new each time; the others come out the same.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const built = new URL('../dist/libs/protocol/src/', import.meta.url);
const protocol = await import(new URL('index.js', built).href);
const { encodeClaims } = await import(new URL('token/claims.js', built).href);
const { encodeFooter, implicitAssertion } = await import(new URL('token/seal-token.js', built).href);
const { sealV3Local } = await import(new URL('paseto/v3-local.js', built).href);
const { childKey, contentIdOf, encodeBase64url, encodeHex, nodeSuite, TransactionKey, utf8 } = protocol;

const secret = (name) => new Uint8Array(createHash('sha256').update(`peerkeep test vector: ${name}`).digest());
const key = new TransactionKey(secret('transaction key'));
const nextKey = new TransactionKey(secret('next transaction key'));
const foreignKey = new TransactionKey(secret('foreign transaction key'));

const trustDomain = 'backup.example';
const hostId = '0193f3a0-0000-7000-8000-00000000000a';
const clientId = '0193f3a0-0000-7000-8000-00000000000b';
const otherId = '0193f3a0-0000-7000-8000-00000000000c';
const transactionId = '0193f3a0-0000-7000-8000-00000000000d';
const nowMs = Date.UTC(2026, 10, 20, 8);
const cid = contentIdOf(utf8('a shard'));
const otherCid = contentIdOf(utf8('another shard'));
const groupId = '0193f3a0-0000-7000-8000-00000000000e';
const minuteMs = 60_000;
const twoItems = [
  { cid, sizeBytes: 1000 },
  { cid: otherCid, sizeBytes: 2000 },
];

write('keys.json', keys());
write('tokens.json', tokens());
write('receipts.json', receipts());
write('messages.json', messages());
write('content-ids.json', contentIds());

function keys() {
  const nonce = secret('wrap nonce').subarray(0, 12);
  const text = protocol.wrapTransactionKey(nextKey, key, clientId, nonce);
  const subKey = (label) => encodeHex(childKey(nodeSuite, key.bytes, label));
  return {
    spec: '§2',
    schedule: {
      transactionKey: encodeHex(key.bytes),
      kid: key.kid,
      'peerkeep/1/token': subKey('peerkeep/1/token'),
      'peerkeep/1/control/to-broker': subKey('peerkeep/1/control/to-broker'),
      'peerkeep/1/control/to-peer': subKey('peerkeep/1/control/to-peer'),
      'peerkeep/1/wrap': subKey('peerkeep/1/wrap'),
    },
    wrapped: { next: encodeHex(nextKey.bytes), peerId: clientId, nonce: encodeHex(nonce), text },
    invalid: [
      { name: 'for another peer', text, peerId: otherId },
      { name: 'changed', text: changed(text, 40), peerId: clientId },
      { name: 'cut', text: text.slice(0, -4), peerId: clientId },
      { name: 'padded', text: `${text}=`, peerId: clientId },
    ].map((row) => ({ ...row, code: 'answer_untrusted' })),
  };
}

function tokens() {
  const nonce = secret('token nonce');
  const claims = (changes = {}) => ({
    trustDomain,
    hostId,
    clientId,
    transactionId,
    issuedAtMs: nowMs,
    notBeforeMs: nowMs,
    expiresAtMs: nowMs + 15 * 60_000,
    op: 'put',
    items: [{ cid, sizeBytes: 1000 }],
    ...changes,
  });
  const expect = { trustDomain, hostId, clientId, op: 'put', cid, nowMs };
  const seal = (changes, under = key) => protocol.sealToken(under, claims(changes), nonce);
  const sealText = (payload, footer = encodeFooter(key.kid)) =>
    sealV3Local(key.token, utf8(payload), { footer, implicit: implicitAssertion(trustDomain, hostId), nonce });
  const sealPayload = (change) => sealText(JSON.stringify(change(JSON.parse(encodeClaims(claims())))));
  const token = seal();
  const [, , payload, footer] = token.split('.');
  const skewMs = protocol.CLOCK_SKEW_MS_MAX;
  const invalid = (name, code, text, changes = {}) => ({ name, token: text, expect: { ...expect, ...changes }, code });
  const valid = (name, changes, expected) => {
    const row = { name, nonce: encodeHex(nonce), payload: encodeClaims(claims(changes)), token: seal(changes) };
    const asked = { ...expect, ...expected };
    return { ...row, expect: asked, doing: asked.op === 'batch' ? claims(changes).op : asked.op };
  };
  const universal = { op: 'universal', items: [], maxBytes: 5000, maxUses: 3, expiresAtMs: nowMs + 60 * minuteMs };
  const batch = { op: 'batch', cid: null };
  const unsound = (name, changes, expected = {}) =>
    invalid(name, 'token_claims_invalid', sealText(encodeClaims(claims(changes))), expected);
  const inOtherWords = (name, from, to) =>
    invalid(name, 'token_claims_invalid', sealText(encodeClaims(claims()).replace(from, to)));
  return {
    spec: '§4',
    keys: [encodeHex(key.bytes)],
    valid: [
      valid('put', { op: 'put' }, { op: 'put' }),
      valid('get', { op: 'get' }, { op: 'get' }),
      valid('stream', { op: 'stream', maxBytes: 5000, expiresAtMs: nowMs + 24 * 60 * minuteMs }, { op: 'stream' }),
      valid('delete', { op: 'delete' }, { op: 'delete' }),
      valid('audit', { op: 'audit', clientId: 'broker' }, { op: 'audit', clientId: 'broker' }),
      valid('probe', { op: 'probe', clientId: 'broker', items: [] }, { op: 'probe', clientId: 'broker', cid: null }),
      ...['put', 'get', 'stream'].map((op) => valid(`universal, to ${op}`, universal, { op, cid: otherCid })),
      valid('put, retained', { retainUntilMs: nowMs + 24 * 60 * minuteMs }, {}),
      valid('put, of a group', { groupId }, {}),
      ...['put', 'get', 'delete'].map((op) =>
        valid(`batch of two, to ${op}`, { op, items: twoItems, expiresAtMs: nowMs + 24 * 60 * minuteMs }, batch),
      ),
      valid('batch of one', {}, batch),
    ],
    invalid: [
      invalid('no text', 'token_invalid', ''),
      invalid('another version', 'token_invalid', `v4.local.${payload}.${footer}`),
      invalid('another purpose', 'token_invalid', `v3.public.${payload}.${footer}`),
      invalid('no footer', 'token_invalid', `v3.local.${payload}`),
      invalid('an empty footer', 'token_invalid', `v3.local.${payload}.`),
      invalid('a part too many', 'token_invalid', `${token}.${footer}`),
      invalid('cut by a character', 'token_invalid', token.slice(0, -1)),
      invalid('padding', 'token_invalid', `${token}=`),
      invalid('a space', 'token_invalid', `${token} `),
      invalid('one character changed', 'token_invalid', changed(token, 100)),
      invalid('sealed with an unknown key', 'token_invalid', seal({}, foreignKey)),
      invalid(
        'a footer in other words',
        'token_invalid',
        sealText(encodeClaims(claims()), utf8(`{"kid": "${key.kid}"}`)),
      ),
      invalid('sealed for another domain', 'token_invalid', seal({ trustDomain: 'other.example' })),
      invalid('sealed for another host', 'token_invalid', seal({ hostId: otherId })),
      invalid('at another host', 'token_invalid', token, { hostId: otherId }),
      invalid(
        'an extra member',
        'token_claims_invalid',
        sealPayload((json) => ({ ...json, admin: true })),
      ),
      invalid(
        'a missing jti',
        'token_claims_invalid',
        sealPayload(({ jti, ...rest }) => (jti ? rest : rest)),
      ),
      invalid(
        'a numeric exp',
        'token_claims_invalid',
        sealPayload((json) => ({ ...json, exp: 1795161600 })),
      ),
      invalid(
        'an unknown op',
        'token_claims_invalid',
        sealPayload((json) => ({ ...json, op: 'erase' })),
      ),
      invalid(
        'no items',
        'token_claims_invalid',
        sealPayload((json) => ({ ...json, items: [] })),
      ),
      invalid(
        'a life of 15 min and 1 ms',
        'token_claims_invalid',
        sealPayload((json) => ({ ...json, exp: '2026-11-20T08:15:00.001Z' })),
      ),
      invalid(
        'claims of another domain',
        'token_wrong_domain',
        sealPayload((json) => ({ ...json, iss: 'other.example' })),
      ),
      invalid(
        'claims of another host',
        'token_wrong_host',
        sealPayload((json) => ({ ...json, aud: otherId })),
      ),
      invalid('another client', 'token_wrong_client', token, { clientId: otherId }),
      invalid('1 ms too early', 'token_not_yet_valid', token, { nowMs: nowMs - skewMs - 1 }),
      invalid('at its end', 'token_expired', token, { nowMs: nowMs + 15 * 60_000 + skewMs }),
      invalid('another operation', 'token_wrong_op', token, { op: 'get' }),
      invalid('another shard', 'token_wrong_content', token, { cid: otherCid }),

      invalid('no shard named', 'token_wrong_content', token, { cid: null }),
      inOtherWords('white space', '{', '{ '),
      inOtherWords('a member escaped', '"op":"put"', '"op":"\\u0070ut"'),
      inOtherWords('a member twice', '"op":"put"', '"op":"get","op":"put"'),
      inOtherWords('members in another order', /("iss":"[^"]*"),("aud":"[^"]*")/, '$2,$1'),
      inOtherWords('a size of 1e3', '"size":1000', '"size":1e3'),
      inOtherWords('a size of -0', '"size":1000', '"size":-0'),
      inOtherWords('bytes behind', /$/, '\n'),
      unsound('a domain in capitals', { trustDomain: 'Backup.example' }),
      unsound('two items in a stream', { op: 'stream', items: twoItems, maxBytes: 5000 }, { op: 'stream' }),
      unsound('an item twice', { items: [twoItems[0], twoItems[0]] }, batch),
      unsound('a batch for 24 h and 1 ms', { items: twoItems, expiresAtMs: nowMs + 24 * 60 * minuteMs + 1 }, batch),
      unsound('a stream without max', { op: 'stream' }, { op: 'stream' }),
      unsound('a put with max', { maxBytes: 5000 }),
      unsound('a universal token without uses', { ...universal, maxUses: undefined }),
      unsound('a universal token of 1 h and 1 ms', { ...universal, expiresAtMs: nowMs + 60 * minuteMs + 1 }),
      unsound('a get with retain', { op: 'get', retainUntilMs: nowMs + minuteMs }, { op: 'get' }),
      unsound('a stream of a group', { op: 'stream', maxBytes: 5000, groupId }, { op: 'stream' }),
      unsound('a put by the broker', { clientId: 'broker' }, { clientId: 'broker' }),
      unsound('an audit by a peer', { op: 'audit' }, { op: 'audit' }),
      unsound(
        'a probe with an item',
        { op: 'probe', clientId: 'broker' },
        { op: 'probe', clientId: 'broker', cid: null },
      ),
      invalid('a delete by a universal token', 'token_wrong_op', seal(universal), { op: 'delete' }),
      invalid('a batch by a universal token', 'token_wrong_op', seal(universal), batch),
      invalid('a batch by a stream token', 'token_wrong_op', seal({ op: 'stream', maxBytes: 5000 }), batch),
      invalid('one item of a batch', 'token_wrong_content', seal({ items: twoItems })),
      invalid('a probe shown by a peer', 'token_wrong_client', seal({ op: 'probe', clientId: 'broker', items: [] }), {
        op: 'probe',
        cid: null,
      }),
    ],
  };
}

function receipts() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const sign = protocol.es256Signer(privateKey);
  const claims = (op, result, changes = {}) => ({
    trustDomain,
    transactionId,
    op,
    hostId,
    clientId,
    items: [{ cid, sizeBytes: 1000, result }],
    timeMs: nowMs,
    ...changes,
  });
  const valid = (name, ...given) => {
    const made = claims(...given);
    return { name, claims: made, receipt: protocol.encodeReceipt(made, sign) };
  };
  const results = (first, second) => ({
    items: twoItems.map((item, i) => ({ ...item, result: [first, second][i] })),
  });
  const stored = protocol.encodeReceipt(claims('put', 'stored'), sign);
  const [header, payload, signature] = stored.split('.');
  const json = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const byHand = (headerText, payloadText) => {
    const signed = `${encodeBase64url(utf8(headerText))}.${encodeBase64url(utf8(payloadText))}`;
    return `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
  };
  const rightHeader = '{"alg":"ES256","typ":"peerkeep-receipt+jwt"}';
  // Members in their order, so that what the name says is all that is wrong.
  const signed = (name, { text, ...changes }) => {
    const { time, use, ...front } = { ...json, ...changes };
    const canonical = JSON.stringify({ ...front, use, time });
    return { name, receipt: byHand(rightHeader, text ?? canonical) };
  };
  return {
    spec: '§7',
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }),
    valid: [
      { name: 'stored', claims: claims('put', 'stored'), receipt: stored },
      valid('served', 'get', 'served'),
      valid('deleted', 'delete', 'deleted'),
      valid('third use of a stream', 'stream', 'served', { use: 3 }),
      valid('stored under a universal token', 'put', 'stored', { use: 1 }),
      valid('served under a universal token', 'get', 'served', { use: 2 }),
      valid('batch, one of two stored', 'put', 'stored', results('stored', 'host_full')),
      valid('batch, one of two served', 'get', 'served', results('shard_unknown', 'served')),
      valid('batch, one of two deleted', 'delete', 'deleted', results('deleted', 'shard_retained')),
    ],
    invalid: [
      { name: 'payload changed', receipt: `${header}.${changed(payload, 50)}.${signature}` },
      { name: 'signature changed', receipt: `${header}.${payload}.${changed(signature, 20)}` },
      { name: 'alg none', receipt: `${encodeBase64url(utf8('{"alg":"none"}'))}.${payload}.` },
      { name: 'another header, signed', receipt: byHand('{"alg":"ES256"}', JSON.stringify(json)) },
      { name: 'an extra member, signed', receipt: byHand(rightHeader, JSON.stringify({ ...json, credit: 1 })) },
      {
        name: 'an unknown result, signed',
        receipt: byHand(rightHeader, JSON.stringify({ ...json, items: [{ cid, size: 1, result: 'ok' }] })),
      },
      { name: 'padding', receipt: `${stored}==` },
      { name: 'two parts', receipt: `${header}.${payload}` },
      signed('white space, signed', { text: ` ${JSON.stringify(json)}` }),
      signed('a member twice, signed', { text: JSON.stringify(json).replace('{', '{"op":"get",') }),
      signed('one item that failed', { items: [{ cid, size: 1000, result: 'host_full' }] }),
      signed('the result of another op', { items: [{ cid, size: 1000, result: 'served' }] }),
      signed('an item twice', { items: [json.items[0], json.items[0]] }),
      signed('a stream without its use', { op: 'stream', items: [{ cid, size: 1000, result: 'served' }] }),
      signed('a use of a delete', { op: 'delete', items: [{ cid, size: 1000, result: 'deleted' }], use: 1 }),
      signed('use 0', { use: 0 }),
    ].map((row) => ({ ...row, code: 'receipt_invalid' })),
  };
}

function messages() {
  const request = { method: 'POST', targetUri: 'https://broker.example:8443/v1/puts', body: '{"objects":[]}', nowMs };
  const nonce = secret('request nonce').subarray(0, 16);
  const signed = protocol.signRequest({
    ...request,
    body: utf8(request.body),
    peerId: clientId,
    key,
    createdMs: nowMs,
    nonce,
  });
  const { headers } = signed;
  const invalid = (name, code, changes) => ({ name, ...request, headers, ...changes, code });
  const replaceIn = (name, from, to) => ({ headers: { ...headers, [name]: headers[name].replace(from, to) } });
  const without = (name) => ({
    headers: Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name)),
  });
  const skewMs = protocol.CLOCK_SKEW_MS_MAX;

  const answer = { status: 200, body: '{"objects":[]}', requestSignature: signed.signature };
  const claimed = protocol.readRequestSignature(headers);
  const answerHeaders = protocol.signAnswer({ status: 200, body: utf8(answer.body), request: claimed, key, nowMs });
  const badAnswer = (name, changes) => ({
    name,
    ...answer,
    headers: answerHeaders,
    ...changes,
    code: 'answer_untrusted',
  });
  return {
    spec: '§5',
    transactionKey: encodeHex(key.bytes),
    peerId: clientId,
    requests: {
      valid: [{ name: 'post', ...request, nonce: encodeHex(nonce), headers }],
      invalid: [
        invalid('another method', 'signature_invalid', { method: 'PUT' }),
        invalid('another target', 'signature_invalid', { targetUri: 'https://broker.example:8443/v1/gets' }),
        invalid('another body', 'digest_mismatch', { body: '{"objects":[1]}' }),
        invalid('a later time', 'signature_invalid', replaceIn('signature-input', /created=\d+/, 'created=1795200000')),
        invalid('another peer', 'signature_invalid', replaceIn('signature-input', clientId, otherId)),
        invalid('another tag', 'signature_invalid', replaceIn('signature-input', 'tag="peerkeep"', 'tag="other"')),
        invalid('signature changed', 'signature_invalid', {
          headers: { ...headers, signature: changed(headers.signature, 20) },
        }),
        invalid('no signature', 'signature_missing', without('signature')),
        invalid('no digest', 'signature_missing', without('content-digest')),
        invalid('stale by 1 ms', 'message_stale', { nowMs: nowMs + skewMs + 1 }),
        invalid('early by 1 ms', 'message_stale', { nowMs: nowMs - skewMs - 1 }),
      ],
    },
    answers: {
      valid: [{ name: 'ok', ...answer, headers: answerHeaders, brokerTimeMs: nowMs }],
      invalid: [
        badAnswer('another status', { status: 500 }),
        badAnswer('another body', { body: '{}' }),
        badAnswer('to another request', { requestSignature: changed(signed.signature, 20) }),
        badAnswer('the request itself', { headers }),
        badAnswer('unsigned', { headers: {} }),
      ],
    },
  };
}

function contentIds() {
  const sizes = [1, 16_383, 16_384, 16_385, 32_768, 32_769, 49_152, 65_536, 65_537, 147_457, 1_000_000];
  const patterned = (size) => Uint8Array.from({ length: size }, (_, i) => (i ^ (i >>> 8) ^ ((i >>> 14) * 31)) & 0xff);
  return {
    spec: '§6',
    pattern: 'byte i is (i ^ (i >>> 8) ^ ((i >>> 14) * 31)) & 0xff',
    valid: sizes.map((sizeBytes) => {
      const id = contentIdOf(patterned(sizeBytes));
      return { sizeBytes, cid: id, piecesRoot: Buffer.from(id, 'base64url').toString('hex') };
    }),
  };
}

/** The text with one character changed to another of base64url. */
function changed(text, at) {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

function write(file, content) {
  writeFileSync(new URL(`../libs/protocol/vectors/${file}`, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}

// Makes an enrolment key: for how many machines, for how long, and whose they will be.
import { useState } from 'preact/hooks';
import { change } from '../shared/api.js';
import { Choice } from '../shared/choice.js';
import { Field } from '../shared/field.js';
import { ReasonDialog } from './reason-dialog.js';

interface CreateParts {
  readonly onClose: () => void;
  readonly onCreated: (key: string) => Promise<void>;
}

const DAY_SECONDS = 86_400;
const PURPOSES = [
  ['machine', 'machines'],
  ['relay', 'relays, which carry for others'],
] as const;

export function CreateEnrolmentKeyDialog({ onClose, onCreated }: CreateParts) {
  const [uses, setUses] = useState('1');
  const [days, setDays] = useState('1');
  const [account, setAccount] = useState('');
  const [purpose, setPurpose] = useState('machine');
  const create = async (reason: string): Promise<void> => {
    const body = {
      uses: Number(uses),
      lifeSeconds: Math.round(Number(days) * DAY_SECONDS),
      account: account.trim() === '' ? null : account.trim(),
      purpose,
      reason,
    };
    const { key } = await change<{ key: string }>('POST', '/v1/admin/enrolment-keys', body);
    await onCreated(key);
  };
  return (
    <ReasonDialog title="Make an enrolment key" verb="Make it" onClose={onClose} onDo={create}>
      <Field label="Machines" type="number" value={uses} onInput={setUses} hint="how often it may be used" isRequired />
      <Field label="Days" type="number" value={days} onInput={setDays} hint="how long it holds" isRequired />
      <Field
        label="Account"
        value={account}
        onInput={setAccount}
        hint="whose the machines will be; empty: each opens its own"
      />
      <Choice label="It lets in" value={purpose} onChange={setPurpose} options={PURPOSES} />
    </ReasonDialog>
  );
}

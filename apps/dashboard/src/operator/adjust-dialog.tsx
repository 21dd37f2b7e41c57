// Gives an account credit, or takes from what it has free, with a reason.
import { useState } from 'preact/hooks';
import { change } from '../shared/api.js';
import { Field } from '../shared/field.js';
import { formatBytes } from '../shared/format.js';
import { ReasonDialog } from './reason-dialog.js';

interface AdjustParts {
  readonly account: string;
  readonly onClose: () => void;
  readonly onAdjusted: (said: string) => Promise<void>;
}

const AMOUNT = /^-?[1-9]\d{0,17}$/;

export function AdjustDialog({ account: given, onClose, onAdjusted }: AdjustParts) {
  const [account, setAccount] = useState(given);
  const [amount, setAmount] = useState('');
  const isAmount = AMOUNT.test(amount);
  const adjust = async (reason: string): Promise<void> => {
    const body = { account: account.trim(), amount, reason };
    const { available } = await change<{ available: string }>('POST', '/v1/admin/ledger/adjustments', body);
    await onAdjusted(`The account has ${formatBytes(available)} free now.`);
  };
  return (
    <ReasonDialog title="Adjust credit" verb="Adjust" onClose={onClose} onDo={adjust}>
      <Field label="Account" value={account} onInput={setAccount} isRequired />
      <Field
        label="Bytes of credit"
        hint={isAmount ? `that is ${formatBytes(amount)}` : 'with a minus, what is taken from what it has free'}
        value={amount}
        onInput={setAmount}
        fault={amount === '' || isAmount ? null : 'a whole number of bytes, not 0'}
        isRequired
      />
    </ReasonDialog>
  );
}

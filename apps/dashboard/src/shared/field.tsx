// One labelled field of a form, with its hint and its fault tied to it.
import { useId } from 'preact/hooks';

interface FieldParts {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string;
  readonly fault?: string | null;
  readonly type?: 'text' | 'password' | 'search' | 'number';
  readonly autocomplete?: string;
  readonly maxLength?: number;
  readonly isRequired?: boolean;
}

export function Field(parts: FieldParts) {
  const {
    label,
    value,
    onInput,
    hint,
    fault = null,
    type = 'text',
    autocomplete = 'off',
    maxLength,
    isRequired,
  } = parts;
  const id = useId();
  // `as` below: the types of Preact want one word of them, not any.
  const described = [hint === undefined ? '' : `${id}-hint`, fault === null ? '' : `${id}-fault`].join(' ').trim();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <input
        id={id}
        type={type as 'text'}
        value={value}
        autocomplete={autocomplete}
        spellcheck={false}
        maxLength={maxLength}
        required={isRequired === true}
        aria-describedby={described === '' ? undefined : described}
        aria-invalid={fault !== null}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {fault !== null && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

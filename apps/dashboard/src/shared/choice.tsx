// One of a few words, as a labelled field.
import { useId } from 'preact/hooks';

interface ChoiceParts {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Value and text of each. */
  readonly options: readonly (readonly [string, string])[];
}

export function Choice({ label, value, onChange, options }: ChoiceParts) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Any of them, or all. */
export function anyOf(words: readonly string[]): readonly (readonly [string, string])[] {
  return [['', 'any'], ...words.map((word) => [word, word.replaceAll('_', ' ')] as const)];
}

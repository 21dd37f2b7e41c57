// A filter of a page, which stands in its address: a link to what is seen shows the same.
import { useEffect, useState } from 'preact/hooks';
import { anyOf, Choice } from '../shared/choice.js';
import { Field } from '../shared/field.js';
import { setQuery } from '../shared/router.js';

interface QueryFieldParts {
  readonly label: string;
  readonly name: string;
  readonly query: Readonly<Record<string, string>>;
  readonly hint?: string;
}

/** Asked for once nobody has typed for a moment. */
const TYPING_MS = 350;

export function QueryField({ label, name, query, hint }: QueryFieldParts) {
  const told = query[name] ?? '';
  const [typed, setTyped] = useState(told);
  useEffect(() => setTyped(told), [told]);
  useEffect(() => {
    if (typed === told) return;
    const timer = setTimeout(() => setQuery(name, typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, told, name]);
  return <Field label={label} type="search" value={typed} onInput={setTyped} {...(hint !== undefined && { hint })} />;
}

export function QueryChoice({ label, name, query, words }: QueryFieldParts & { readonly words: readonly string[] }) {
  return (
    <Choice
      label={label}
      value={query[name] ?? ''}
      onChange={(value) => setQuery(name, value)}
      options={anyOf(words)}
    />
  );
}

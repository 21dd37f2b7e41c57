// One number that matters, with what it is, and what stands beside it.
import type { ComponentChildren } from 'preact';
import type { Tone } from './pill.js';

interface StatParts {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly tone?: Tone;
}

/** Stands in a `<dl class="stats">`. */
export function Stat({ label, value, note, tone }: StatParts) {
  return (
    <div class={`stat${tone === undefined ? '' : ` ${tone}`}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value}</span>
        {note !== undefined && <span class="note-line">{note}</span>}
      </dd>
    </div>
  );
}

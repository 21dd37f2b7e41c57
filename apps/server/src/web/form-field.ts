// One labelled field of a form, with its hint and what is wrong with it, tied together for screen readers. Pure.
import { type Html, html, raw } from './html.js';

export interface FieldParts {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'password';
  readonly autocomplete: string;
  readonly value?: string;
  readonly hint?: string;
  readonly fault?: string | null;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export function formField(parts: FieldParts): Html {
  const { name, label, type = 'text', autocomplete, value, hint, fault = null, minLength, maxLength } = parts;
  const described = [hint === undefined ? null : `${name}-hint`, fault === null ? null : `${name}-fault`];
  const describedBy = described.filter((id) => id !== null).join(' ');
  return html`<label for="${name}">${label}</label>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
${fault !== null && html`<p class="fault" id="${name}-fault">${fault}</p>`}
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required${
    value !== undefined && html` value="${value}"`
  }${minLength !== undefined && html` minlength="${minLength}"`}${
    maxLength !== undefined && html` maxlength="${maxLength}"`
  }${describedBy !== '' && html` aria-describedby="${describedBy}"`}${fault !== null && raw(' aria-invalid="true"')}>`;
}

/** What is wrong with a form as a whole; null for nothing. */
export function faultNotice(fault: string | null): Html | null {
  return fault === null ? null : html`<div role="alert"><p>${fault}</p></div>`;
}

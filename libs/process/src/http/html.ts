// HTML that escapes whatever is put into it: a template tag, and the one way to say that a text is HTML already. Pure.

/** Text that is HTML. Made by `html` and `raw` only, so that no other text is ever taken for it. */
export class Html {
  private constructor(private readonly text: string) {}

  /** For this file alone: use `html` or `raw`. */
  static of(text: string): Html {
    return new Html(text);
  }

  toString(): string {
    return this.text;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/**
 * HTML from a template. Every interpolation is escaped, in text and in quoted attributes alike; HTML stays as it is,
 * lists are joined, and null, undefined and false are nothing. Attributes must stand in double quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0]!;
  for (let i = 0; i < values.length; i++) text += textOf(values[i]) + parts[i + 1]!;
  return Html.of(text);
}

/** Text that is known to be HTML, from a source of ours. */
export function raw(text: string): Html {
  return Html.of(text);
}

function textOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(textOf).join('');
}

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => ESCAPED[character]!);
}

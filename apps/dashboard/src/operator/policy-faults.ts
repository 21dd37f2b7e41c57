// What is wrong with a policy, field by field: with its JSON, or as the broker's schema says. Pure.

export interface FieldFault {
  /** `exchange.windowDays`; `policy` for the whole. */
  readonly field: string;
  readonly fault: string;
}

export type Written =
  | { readonly ok: true; readonly written: object }
  | { readonly ok: false; readonly fault: FieldFault };

export function parseWritten(text: string): Written {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    return { ok: false, fault: { field: 'policy', fault: (error as SyntaxError).message } };
  }
  if (typeof written === 'object' && written !== null && !Array.isArray(written)) return { ok: true, written };
  return { ok: false, fault: { field: 'policy', fault: 'not a document of fields' } };
}

/** The detail of `policy_invalid`: `field: fault` for each, with semicolons between them. */
export function faultsIn(detail: string): FieldFault[] {
  return detail.split('; ').map((part) => {
    const [, field = 'policy', fault = part] = /^([\w.-]+): ([\s\S]*)$/.exec(part) ?? [];
    return { field, fault };
  });
}

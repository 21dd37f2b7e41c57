// A submitted form as the listener parses it: names and values, each name once, bounded.
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ProtocolError } from '#protocol';
import { FORM_FIELDS_MAX } from './limits.js';

export const FORM_CONTENT_TYPE = 'application/x-www-form-urlencoded';

export type Fields = Readonly<Record<string, string>>;

/** The body of a request whose content type is application/x-www-form-urlencoded; nothing else makes one. */
export class FormFields {
  private constructor(readonly fields: Fields) {}

  /** throws request_invalid when a name stands twice, or there are too many */
  static parse(body: string): FormFields {
    // Without a prototype, so that no field can be taken for something that every object has.
    const fields = Object.create(null) as Record<string, string>;
    let count = 0;
    for (const [name, value] of new URLSearchParams(body)) {
      if (name in fields)
        throw new ProtocolError('request_invalid', {}, { detail: 'a field of the form stands twice' });
      if (++count > FORM_FIELDS_MAX) throw new ProtocolError('request_invalid', {}, { detail: 'too many fields' });
      fields[name] = value;
    }
    return new FormFields(fields);
  }
}

/** As the listener wants it: an error thrown here would end the process. */
export function parseForm(
  _request: FastifyRequest,
  body: string | Buffer,
  done: (error: Error | null, form?: FormFields) => void,
): void {
  let form: FormFields;
  try {
    form = FormFields.parse(body.toString());
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, form);
}

/** The fields of the form that was posted; none for any other request. */
export const SubmittedForm = createParamDecorator((_: unknown, context: ExecutionContext): Fields => {
  const { body } = context.switchToHttp().getRequest<FastifyRequest>();
  return body instanceof FormFields ? body.fields : {};
});

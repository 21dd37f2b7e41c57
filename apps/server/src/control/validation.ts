// Bodies and queries against the schemas of the protocol; the detail names the field.
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { ProtocolError } from '#protocol';

const ISSUES_TOLD_MAX = 5;

export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      const faults = issues.slice(0, ISSUES_TOLD_MAX).map((issue) => {
        const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
        return `${path === '' ? 'the message' : path}: ${issue.message}`;
      });
      return new ProtocolError('request_invalid', {}, { detail: faults.join('; ') });
    },
  });
}

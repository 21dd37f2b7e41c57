// A controller of web pages: no control messages, kept out of the interface's description, its forms guarded.
import { applyDecorators, Controller, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { TakesForms, Unsigned } from '../control/message.guard.js';
import { FormGuard } from './form.guard.js';

/** Every POST under it must be a form of ours, shown in this browser: see FormGuard. */
export function WebController(path = ''): ClassDecorator {
  return applyDecorators(Controller(path), Unsigned(), TakesForms(), ApiExcludeController(), UseGuards(FormGuard));
}

// GET /console, /console/{page}, /console/{page}/{id}: the page for signed-in people; GET /assets/console/{file}: its files
import { Controller, Get, Param, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Unsigned } from '../control/message.guard.js';
import { SessionGuard } from '../sessions/session.guard.js';
import { sendDashboardFile, sendShell } from './console-shell.js';

@Controller()
@Unsigned()
@ApiExcludeController()
export class ConsolePagesController {
  /** Which of them it is, the page itself sees. */
  @Get(['console', 'console/:page', 'console/:page/:id'])
  @UseGuards(SessionGuard)
  page(@Res() reply: FastifyReply): void {
    sendShell(reply, 'people');
  }

  @Get('assets/console/:file')
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    sendDashboardFile(reply, name);
  }
}

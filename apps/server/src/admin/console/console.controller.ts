// GET /console, /console/{page}, /console/{page}/{id}: the operator's pages; GET /assets/console/{file}: their files
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { sendDashboardFile, sendShell } from '../../console/console-shell.js';
import { OpenAdminRoute } from '../access/admin-route.js';

/** Open to everybody: a program without data, which shows nothing before a key is signed in. */
@Controller()
export class AdminConsoleController {
  @Get(['console', 'console/:page', 'console/:page/:id'])
  @OpenAdminRoute()
  page(@Res() reply: FastifyReply): void {
    sendShell(reply, 'operator');
  }

  @Get('assets/console/:file')
  @OpenAdminRoute()
  file(@Param('file') name: string, @Res() reply: FastifyReply): void {
    sendDashboardFile(reply, name);
  }
}

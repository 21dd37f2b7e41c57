// GET /metrics on the admin listener: the figures of the broker, as Prometheus reads them
import { Controller, Get, Header } from '@nestjs/common';
import { BrokerMetrics } from '../../metrics/broker-metrics.js';
import { AdminRoute } from '../access/admin-route.js';

@Controller('metrics')
export class AdminMetricsController {
  constructor(private readonly metrics: BrokerMetrics) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: 'text/plain' })
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  get(): Promise<string> {
    return this.metrics.book.text();
  }
}

// Counts the answers of a listener, by the route as it was declared: never by the address that was asked for.
import type { FastifyInstance } from 'fastify';
import { codeOfRefused } from '../control/answer-problem.js';
import type { BrokerMetrics } from './broker-metrics.js';

const NO_ROUTE = 'none';

export function observeRequests(fastify: FastifyInstance, { requests, requestSeconds, refusals }: BrokerMetrics): void {
  fastify.addHook('onResponse', async (request, reply) => {
    const { url } = request.routeOptions;
    // Methods come from the listener's own list, so both are words of this program.
    const route = url === undefined ? NO_ROUTE : `${request.method} ${url}`;
    requests.inc({ route, status: reply.statusCode });
    requestSeconds.observe({ route }, reply.elapsedTime / 1_000);
    const code = codeOfRefused(request);
    if (code !== undefined) refusals.inc({ code });
  });
}

// The interface described for programs and people: OpenAPI at /docs-json and /docs, made when somebody asks.
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

export function describeApi(app: NestFastifyApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Peerkeep broker')
    .setDescription(
      'All but enrolment and health are control messages: signed by HTTP Message Signatures (RFC 9421), answered by ' +
        'signed answers. Errors are problem documents (RFC 9457) with a stable code.',
    )
    .setVersion('1')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), {
    jsonDocumentUrl: 'docs-json',
  });
}

// The OpenAPI description of the admin interface, made once from the schemas by which its routes are judged.
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

export class AdminDocument {
  private make: (() => OpenAPIObject) | null = null;
  private made: OpenAPIObject | null = null;

  describes(app: INestApplication): void {
    const description = new DocumentBuilder()
      .setTitle('Peerkeep admin interface')
      .setDescription(
        'For the operator: an admin key as Bearer token, a role for each route, a reason for each change. Lists are read ' +
          'page by page. Errors are problem documents (RFC 9457) with a stable code.',
      )
      .setVersion('1')
      .addBearerAuth({ type: 'http', scheme: 'bearer' })
      .build();
    this.make = () => SwaggerModule.createDocument(app, description);
  }

  get document(): OpenAPIObject | null {
    this.made ??= this.make?.() ?? null;
    return this.made;
  }
}

// Thrown where a page cannot be shown and another one comes first; the problem filter answers it with 303.
export class RedirectTo extends Error {
  override readonly name = 'RedirectTo';

  /** path   on this site */
  constructor(readonly path: string) {
    super('another page comes first');
  }
}

// What the operator chooses about mail: the `mail` field of the policy. The server's URL comes from the environment.
import { z } from 'zod';
import { parseEmail } from '../accounts/email.js';

export const mailPolicy = z
  .strictObject({
    /** `none`: accounts are active at once and a lost password stays lost. `folder`: files in DATA/mail. */
    kind: z.enum(['none', 'folder', 'smtp']).default('none'),
    /** The sender's address. */
    from: z
      .string()
      .refine((text) => parseEmail(text) !== null, 'not an e-mail address')
      .nullable()
      .default(null),
  })
  .refine(({ kind, from }) => kind === 'none' || from !== null, { path: ['from'], message: 'missing' });

export type MailPolicy = Readonly<z.infer<typeof mailPolicy>>;

// An id, by its end; whole for whoever points at it, and selectable as a whole.
import { shortId } from './format.js';
import { Link } from './link.js';

interface IdParts {
  readonly of: string | null;
  /** Where it leads. */
  readonly to?: string;
}

export function Id({ of, to }: IdParts) {
  if (of === null) return <span class="fine">–</span>;
  const text = <code>{shortId(of)}</code>;
  if (to !== undefined) {
    return (
      <Link to={to} title={of}>
        {text}
      </Link>
    );
  }
  return <span title={of}>{text}</span>;
}

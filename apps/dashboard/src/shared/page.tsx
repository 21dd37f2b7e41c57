// One page: its title in the tab and as the h1, which gets the focus when somebody comes here from another page.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageParts {
  readonly title: string;
  readonly lead?: ComponentChildren;
  /** How old the data is, and what may be done here. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The first page keeps the focus where the browser puts it. */
let isFirst = true;

export function Page({ title, lead, aside, children }: PageParts) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Peerkeep`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  return (
    <>
      <div class="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        <div class="page-aside">{aside}</div>
      </div>
      {children}
    </>
  );
}

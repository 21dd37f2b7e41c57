// A link to another page of the console: an ordinary link, which the console follows itself when it is clicked plainly.
import type { ComponentChildren } from 'preact';
import { navigate } from './router.js';

interface LinkParts {
  readonly to: string;
  readonly current?: boolean;
  readonly class?: string;
  readonly title?: string;
  readonly children: ComponentChildren;
}

export function Link({ to, current = false, children, ...rest }: LinkParts) {
  const follow = (event: MouseEvent): void => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} {...rest} {...(current && { 'aria-current': 'page' as const })}>
      {children}
    </a>
  );
}

// The frame of every page: skip link, brand, navigation, the page itself under its only h1, and the foot.
import type { ComponentChildren } from 'preact';
import { Link } from './link.js';
import { ThemeChoice } from './theme.js';

export interface NavigationEntry {
  readonly page: string;
  readonly title: string;
  /** Entries of one group stand together under its name. */
  readonly group?: string;
}

interface FrameParts {
  readonly brand: string;
  readonly entries: readonly NavigationEntry[];
  readonly page: string;
  readonly who: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame({ brand, entries, page, who, children }: FrameParts) {
  const groups = [...new Set(entries.map(({ group = '' }) => group))];
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <Link to="/console" class="brand">
          <span class="mark" aria-hidden="true" />
          {brand}
        </Link>
        <div class="who">{who}</div>
      </header>
      <nav aria-label="Console" class="side">
        {groups.map((group) => (
          <div key={group} class="group">
            {group !== '' && <p class="group-name">{group}</p>}
            <ul>
              {entries
                .filter((entry) => (entry.group ?? '') === group)
                .map((entry) => (
                  <li key={entry.page}>
                    <Link to={entry.page === '' ? '/console' : `/console/${entry.page}`} current={entry.page === page}>
                      {entry.title}
                    </Link>
                  </li>
                ))}
            </ul>
          </div>
        ))}
        <ThemeChoice />
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

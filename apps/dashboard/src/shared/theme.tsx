// Light or dark: as the system says, until the reader says otherwise in this browser.
import { useEffect, useState } from 'preact/hooks';
import { Choice } from './choice.js';

const KEPT = 'peerkeep-theme';
const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

system.addEventListener('change', () => applyTheme());

/** Called first of all, so that nothing is shown in other colours before. */
export function applyTheme(theme: Theme = keptTheme()): void {
  const isDark = theme === 'dark' || (theme === 'system' && system.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  for (const listener of listeners) listener();
}

/** Calls whenever the colours may be others than before. Returns how to stop that. */
export function whenThemeChanges(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(keptTheme);
  useEffect(() => {
    localStorage.setItem(KEPT, theme);
    applyTheme(theme);
  }, [theme]);
  const options = [
    ['system', 'as the system'],
    ['light', 'light'],
    ['dark', 'dark'],
  ] as const;
  const choose = (value: string): void => setTheme(THEMES.find((each) => each === value) ?? 'system');
  return <Choice label="Colours" value={theme} onChange={choose} options={options} />;
}

function keptTheme(): Theme {
  const kept = localStorage.getItem(KEPT);
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

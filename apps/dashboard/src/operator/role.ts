// What the key that is signed in may do: the broker decides it; the console leaves out what would be refused.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AdminRole, Self } from './answers.js';

export const SelfContext = createContext<Self | null>(null);

const ROLES: readonly AdminRole[] = ['viewer', 'support', 'operator'];

/** Each role may do what those before it may. */
export function useMay(needed: AdminRole): boolean {
  const self = useContext(SelfContext);
  return self !== null && ROLES.indexOf(self.role) >= ROLES.indexOf(needed);
}

// Whether a program is installed, and what it says of itself.
import { execFileSync } from 'node:child_process';

/** The first line that the program prints; null when it is not installed. */
export function firstLineOf(program: string, argument: string): string | null {
  try {
    return execFileSync(program, [argument], { encoding: 'utf8' }).split('\n')[0]!;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

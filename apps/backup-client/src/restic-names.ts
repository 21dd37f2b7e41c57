// Commands of restic that have another name here, or no work to do: what to do instead. Pure.

const INSTEAD: Readonly<Record<string, string>> = {
  cache:
    'Nothing needs care: the cache is in the folder client/cache of the home, and is made anew when it is removed.',
  copy: 'Everything is on several hosts already; `peerkeep repair` finds other ones for what was lost.',
  generate: 'Run `peerkeep completion bash`, `zsh` or `fish` for completions.',
  migrate: 'Old formats are read as they are; there is nothing to migrate.',
  mount: 'Run `peerkeep browse`: it serves all snapshots over WebDAV, which a desktop or `rclone mount` mounts.',
  'rebuild-index':
    'The index brings itself up to date; `peerkeep check` tells what is missing, and `peerkeep repair` mends it.',
  rewrite: 'Snapshots stay as they are: back up again with --exclude, and `peerkeep forget` the old one.',
  'self-update': 'The package manager that installed peerkeep updates it.',
  unlock: 'There are no locks to remove: machines work side by side, and a lock of this home ends with its command.',
  version: 'Run `peerkeep --version`.',
};

/** What to do instead of a command that only restic has; null for any other name. */
export function insteadOf(name: string): string | null {
  return Object.hasOwn(INSTEAD, name) ? INSTEAD[name]! : null;
}

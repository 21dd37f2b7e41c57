// The page of a shared file: opens its head with the key in the link, and saves the file when it is asked to.
import { formatBytes } from '../shared/format.js';
import { fetchFile, fetchHead } from './fetch-share.js';
import { type OpenShare, openShare, ShareRefused } from './open-share.js';

const REFUSALS = {
  gone: 'This link leads nowhere any more: it has ended, is used up, or was withdrawn. Ask whoever sent it for a new one.',
  key: 'The key in the link does not open this file. Copy the whole link, to its very end.',
  damaged: 'The file does not arrive as it was sealed, so nothing was saved. Try again; then ask for a new link.',
  away: 'The machine that has this file does not answer. Try again in a while.',
} as const;

const section = document.getElementById('share')!;

async function begin(): Promise<void> {
  const id = section.dataset.id!;
  const share = await openShare(id, location.hash.slice(1), await fetchHead(id));
  const name = element('h2', share.name);
  const size = element(
    'p',
    `${formatBytes(share.sizeBytes)}, changed ${new Date(share.modifiedMs).toLocaleDateString()}`,
  );
  size.className = 'fine';
  const button = element('button', 'Download');
  button.addEventListener('click', () => {
    button.disabled = true;
    save(id, share).then(
      () => {
        button.disabled = false;
      },
      (error: unknown) => tell(error),
    );
  });
  section.replaceChildren(name, size, button);
}

async function save(id: string, share: OpenShare): Promise<void> {
  const meter = document.createElement('progress');
  meter.max = Math.max(share.sizeBytes, 1);
  meter.value = 0;
  meter.setAttribute('aria-label', 'Downloaded');
  const said = element('p', 'Downloading…');
  said.id = 'said';
  section.querySelectorAll('progress, #said').forEach((old) => {
    old.remove();
  });
  section.append(meter, said);
  const file = await fetchFile(id, share, (bytes) => {
    meter.value = bytes;
  });
  meter.value = meter.max;
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = share.name;
  link.click();
  said.textContent = `${share.name} is whole and unchanged, and is being saved.`;
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function tell(error: unknown): void {
  const alert = element('p', REFUSALS[error instanceof ShareRefused ? error.reason : 'damaged']);
  alert.setAttribute('role', 'alert');
  section.replaceChildren(alert);
  if (!(error instanceof ShareRefused)) throw error;
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, text: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

begin().catch(tell);
addEventListener('hashchange', () => location.reload());

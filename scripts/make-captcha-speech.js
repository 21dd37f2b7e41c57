// Makes apps/server/src/captcha/sound/speech.ts: each digit spoken by each voice. Needs espeak-ng and sox; run by hand:
//   node scripts/make-captcha-speech.js
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WORDS = { 2: 'two', 3: 'three', 4: 'four', 5: 'five', 6: 'six', 7: 'seven', 8: 'eight', 9: 'nine' };
const VOICES = [
  { name: 'en-us', wordsPerMinute: 135, pitch: 50 },
  { name: 'en-gb+f3', wordsPerMinute: 135, pitch: 55 },
  { name: 'en-us+m4', wordsPerMinute: 145, pitch: 40 },
];
const SAMPLE_RATE = '8000';
const target = join(import.meta.dirname, '../apps/server/src/captcha/sound/speech.ts');

const folder = mkdtempSync(join(tmpdir(), 'peerkeep-speech-'));
const spoken = join(folder, 'spoken.wav');
const clip = join(folder, 'clip.ul');

function say(word, { name, wordsPerMinute, pitch }) {
  const voice = ['-v', name, '-s', String(wordsPerMinute), '-p', String(pitch)];
  execFileSync('espeak-ng', [...voice, '-w', spoken, word]);
  // Silence at both ends goes; headerless 8-bit mu-law (G.711) comes out.
  const trim = ['silence', '1', '0.005', '1%', 'reverse', 'silence', '1', '0.005', '1%', 'reverse'];
  const format = ['-t', 'ul', '-r', SAMPLE_RATE, '-c', '1'];
  execFileSync('sox', ['-D', spoken, ...format, clip, ...trim, 'norm', '-3'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return readFileSync(clip).toString('base64');
}

const voices = VOICES.map((voice) => {
  const clips = Object.entries(WORDS).map(([digit, word]) => `    '${digit}': '${say(word, voice)}',\n`);
  return `  {\n${clips.join('')}  },\n`;
});
rmSync(folder, { recursive: true });
writeFileSync(
  target,
  `// Spoken digits, one voice after another: 8 kHz mono mu-law in base64. Made by scripts/make-captcha-speech.js.

export const SPEECH: readonly Readonly<Record<string, string>>[] = [
${voices.join('')}];
`,
);

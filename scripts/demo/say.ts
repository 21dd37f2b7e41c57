// What the demo prints: one line a step.

export function say(subject: string, text: string): void {
  process.stdout.write(`${subject.padStart(8)}  ${text}\n`);
}

// The systemd user units of a scheduled backup: a service that runs it and a timer that starts the service. Pure.
//
// Quoting: systemd.service(5) "Command lines", systemd.unit(5) "Specifiers", systemd.syntax(7) "Quoting".

export interface UnitRequest {
  /** What the unit does, in a few words. */
  readonly description: string;
  /** The program and its arguments; the program by its absolute path. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Exit codes, beside 0, that are no failure of the unit. */
  readonly alsoFine: readonly number[];
}

export interface TimerRequest {
  readonly description: string;
  /** systemd.time(7) "Calendar Events". */
  readonly onCalendar: string;
  readonly jitterSeconds: number;
}

const HEADER = '# Written by `peerkeep schedule install`, and written over by it.';
/** What may stand in the path of ExecStart's program; others are run by a shell that gets them as arguments. */
const PLAIN_PROGRAM = /^\/[^\p{Cc}"'\\]*$/u;

export function serviceUnit({ description, command, environment, alsoFine }: UnitRequest): string {
  const [program, ...args] = command;
  const line = PLAIN_PROGRAM.test(program!)
    ? [quote(program!), ...args.map(quoteArgument)]
    : ['/bin/sh', '-c', quoteArgument('exec "$@"'), 'sh', ...command.map(quoteArgument)];
  return [
    HEADER,
    '[Unit]',
    `Description=${plain(description)}`,
    '',
    '[Service]',
    'Type=oneshot',
    ...Object.entries(environment).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    `ExecStart=${line.join(' ')}`,
    `SuccessExitStatus=${alsoFine.join(' ')}`,
    // What runs by itself gives way to the person at the machine.
    'Nice=10',
    'IOSchedulingClass=idle',
    '# It stops cleanly within a moment; the next run goes on from there.',
    'TimeoutStopSec=90',
    '',
  ].join('\n');
}

export function timerUnit({ description, onCalendar, jitterSeconds }: TimerRequest): string {
  return [
    HEADER,
    '[Unit]',
    `Description=${plain(description)}`,
    '',
    '[Timer]',
    `OnCalendar=${plain(onCalendar)}`,
    `RandomizedDelaySec=${jitterSeconds}`,
    '# A time at which the machine was off is caught up.',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n');
}

/** One argument of ExecStart: quoted, and with `$` doubled, for systemd would put a variable there. */
export function quoteArgument(text: string): string {
  return quote(text).replaceAll('$', '$$$$');
}

/** One word: double quotes around it, C escapes within, and `%` doubled, for systemd would put a specifier there. */
function quote(text: string): string {
  const escaped = text.replaceAll(/["\\%\p{Cc}]/gu, (character) => {
    if (character === '%') return '%%';
    if (character === '"' || character === '\\') return `\\${character}`;
    // Two digits name one byte, and only ASCII is one byte; the others are as they are.
    const code = character.charCodeAt(0);
    return code > 0x7f ? character : `\\x${code.toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

/** The rest of a line, whatever the text holds: one line, without specifiers. */
function plain(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('%', '%%')
    .replaceAll('\\', '/');
}

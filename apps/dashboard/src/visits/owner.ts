// The owner's pages: takes the code of a sign-in link from behind the #, and keeps the status as it is at the moment.
const form = document.querySelector<HTMLFormElement>('#sign-in');
const code = document.querySelector<HTMLInputElement>('#code');
const facts = document.getElementById('facts');
const freshness = document.getElementById('freshness');

if (form !== null && code !== null && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  // The code is void once it was used, and need not stay in the history until then.
  history.replaceState(null, '', location.pathname);
  form.requestSubmit();
}

if (facts !== null && freshness !== null) {
  const events = new EventSource('/events');
  const say = (text: string): void => {
    // A reader of the screen hears of a change, and not of every event.
    if (freshness.textContent !== text) freshness.textContent = text;
  };
  events.addEventListener('status', ({ data }: MessageEvent<string>) => {
    for (const { id, text } of JSON.parse(data) as { id: string; text: string }[]) {
      const place = facts.querySelector(`[data-fact="${id}"]`);
      if (place !== null && place.textContent !== text) place.textContent = text;
    }
    say('Up to date; it changes by itself.');
  });
  events.addEventListener('error', () => say('The agent does not answer; trying again.'));
}

// The console of people: begins here in the browser.
import { render } from 'preact';
import { PeopleApp } from './people/app.js';
import { applyTheme } from './shared/theme.js';

applyTheme();
const place = document.getElementById('app');
if (place !== null) {
  place.replaceChildren();
  render(<PeopleApp />, place);
}

// The operator's console: begins here in the browser.
import { render } from 'preact';
import { OperatorApp } from './operator/app.js';
import { applyTheme } from './shared/theme.js';

applyTheme();
const place = document.getElementById('app');
if (place !== null) {
  place.replaceChildren();
  render(<OperatorApp />, place);
}

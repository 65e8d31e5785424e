/** What the page begins with: little, so that the connection is made while the window is loaded. */
import { createBrowserTransport } from './api/browser.ts';
import { findDesktopTransport } from './api/desktop.ts';
import { createLink } from './api/link.ts';
import { firstQuestions } from './first-questions.ts';
import { loadScreen } from './frame/screens.ts';
import { parsePlace } from './place.ts';

const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no #root');

const place = parsePlace(location.hash);
const desktop = findDesktopTransport();
const link = createLink(desktop ?? createBrowserTransport(firstQuestions(place)));
desktop?.onOffer(link.retry);

loadScreen(place);
// Awaited here, it would wait for itself: the window imports what this file imports.
void import('./window.tsx').then(({ showWindow }) => showWindow(root, link));

import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { createRoot } from 'react-dom/client';
import { createBrowserTransport } from './api/browser.ts';
import { findDesktopTransport } from './api/desktop.ts';
import { createLink } from './api/link.ts';
import { findShell } from './api/shell.ts';
import { App } from './frame/app.tsx';
import './parts/base.css';
import { createQueries } from './state/calls.ts';
import { LinkContext } from './state/link.ts';
import { applyLook } from './state/preferences.ts';
import { ShellContext } from './state/shell.ts';

applyLook();
const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no #root');

const desktop = findDesktopTransport();
const link = createLink(desktop ?? createBrowserTransport());
desktop?.onOffer(link.retry);

createRoot(root).render(
  <StrictMode>
    <LinkContext value={link}>
      <ShellContext value={findShell()}>
        <QueryClientProvider client={createQueries()}>
          <I18nProvider locale="en-US">
            <App />
          </I18nProvider>
        </QueryClientProvider>
      </ShellContext>
    </LinkContext>
  </StrictMode>,
);

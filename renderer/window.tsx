import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { createRoot } from 'react-dom/client';
import type { Link } from './api/link.ts';
import { findShell } from './api/shell.ts';
import { App } from './frame/app.tsx';
import { Boundary } from './frame/boundary.tsx';
import './parts/base.css';
import { createQueries } from './state/calls.ts';
import { keepFirst } from './state/first.ts';
import { LinkContext } from './state/link.ts';
import { applyLook } from './state/preferences.ts';
import { ShellContext, watchShell } from './state/shell.ts';

/** Shows the window in an element of the page. */
export function showWindow(root: Element, link: Link): void {
  applyLook();
  const shell = findShell();
  const queries = createQueries();
  keepFirst(link, queries);
  watchShell(shell, queries);
  createRoot(root).render(
    <StrictMode>
      <LinkContext value={link}>
        <ShellContext value={shell}>
          <QueryClientProvider client={queries}>
            <I18nProvider locale="en-US">
              <Boundary of={link}>
                <App />
              </Boundary>
            </I18nProvider>
          </QueryClientProvider>
        </ShellContext>
      </LinkContext>
    </StrictMode>,
  );
}

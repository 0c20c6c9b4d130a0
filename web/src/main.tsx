import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles/base.css';
import './styles/state.css';
import './styles/shell.css';
import './styles/fleet.css';
import './styles/node.css';
import './styles/code.css';
import './styles/shared.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './i18n';
import { queryClient } from './data/queries';
import { styleNonce } from './page';
import { router } from './router';
import { theme, variables } from './theme';

setNonce(styleNonce); // for the style elements of the dialogs' scroll lock

const schemes = localStorageColorSchemeManager({ key: 'promfleet-scheme' });

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={variables}
        defaultColorScheme="auto"
        colorSchemeManager={schemes}
        getStyleNonce={() => styleNonce}
      >
        <QueryClientProvider client={queryClient}>
          {/* Where neither the head of a page nor the last rows of a table are acted on. */}
          <Notifications position="bottom-center" limit={3} />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

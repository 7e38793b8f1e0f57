/** What every part of the window finds around it: theme, messages, queries, the client. */
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { WindowClient } from './client.ts'
import { ClientContext } from './queries.ts'
import { colorSchemeManager, cssVariables, theme } from './theme.ts'

type ProvidersProps = {
  readonly client: WindowClient
  readonly getStyleNonce: () => string
  readonly children: ReactNode
}

export function Providers({ client, getStyleNonce, children }: ProvidersProps) {
  const [queryClient] = useState(newQueryClient)
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={getStyleNonce}
    >
      <Notifications position="bottom-right" limit={3} autoClose={6000} />
      <QueryClientProvider client={queryClient}>
        <ClientContext value={client}>{children}</ClientContext>
      </QueryClientProvider>
    </MantineProvider>
  )
}

/** Main answers from memory or asks the engine, which retries by itself: no retries here. */
function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, refetchOnWindowFocus: false, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}

/** Where the window is, and which dialog is open. One place, so that the palette reaches all of it. */
import { createContext, useContext } from 'react'
import { PailError } from '../shared/errors.ts'
import type { ShownPage } from './client.ts'

export type MountTarget = { readonly connectionId: string; readonly bucket: string }

export type OpenDialog =
  | { readonly kind: 'add-connection' }
  | ({ readonly kind: 'mount' } & MountTarget)
  | { readonly kind: 'unmount'; readonly dir: string }
  | { readonly kind: 'remove-mount'; readonly dir: string }
  | { readonly kind: 'foreign-uploads'; readonly dir: string }
  | { readonly kind: 'delete-held'; readonly dir: string }
  | { readonly kind: 'remove-connection'; readonly id: string }
  | { readonly kind: 'renew-keys'; readonly id: string }
  | { readonly kind: 'budget'; readonly id: string }
  | { readonly kind: 'cache-limit' }

export type Navigation = {
  readonly page: ShownPage
  readonly goTo: (page: ShownPage) => void
  /** The connection whose buckets are shown. */
  readonly connectionId: string | undefined
  readonly showBuckets: (connectionId: string) => void
  readonly dialog: OpenDialog | undefined
  readonly open: (dialog: OpenDialog) => void
  readonly closeDialog: () => void
}

export const NavigationContext = createContext<Navigation | undefined>(undefined)

export function useNavigation(): Navigation {
  const navigation = useContext(NavigationContext)
  if (navigation === undefined) throw new PailError('internal/bug', 'no navigation around')
  return navigation
}

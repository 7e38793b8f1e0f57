/** Who may call: the top frame of a window that shows our own page. Pure. */
import { APP_ORIGIN } from './app-protocol.ts'

export type SenderFrame = { readonly url: string; readonly parent: unknown } | null | undefined

export function isOurFrame(frame: SenderFrame): boolean {
  if (!frame || frame.parent !== null) return false
  return frame.url === APP_ORIGIN || frame.url.startsWith(`${APP_ORIGIN}/`)
}

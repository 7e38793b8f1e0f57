import type { WindowBridge } from '../shared/window-names.ts'

declare global {
  interface Window {
    /** Put there by preload. */
    readonly pail: WindowBridge
    /** Read by the package that locks scrolling behind dialogs, for its style element. */
    __webpack_nonce__?: string
  }
}

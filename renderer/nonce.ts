/** The nonce that main put into the page: style elements made at run time need it. */
export function readStyleNonce(): () => string {
  const meta = document.querySelector('meta[name="style-nonce"]')
  const nonce = meta?.getAttribute('content') ?? ''
  window.__webpack_nonce__ = nonce
  return () => nonce
}

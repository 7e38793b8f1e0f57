/** The pail, as in the app's icon. Decoration: hidden from assistive technology. */
export function Logo({ size }: { readonly size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect width="64" height="64" rx="15" fill="#0b7285" />
      <g transform="translate(11.5 10.5) scale(.64)">
        <path
          d="M10 24 A22 21 0 0 1 54 24"
          fill="none"
          stroke="#fff"
          strokeWidth="4.5"
          strokeLinecap="round"
        />
        <path
          d="M8.5 24H55.5L50.3 53.5A5.5 5.5 0 0 1 44.9 58H19.1A5.5 5.5 0 0 1 13.7 53.5Z"
          fill="#fff"
        />
        <rect x="5.5" y="21" width="53" height="8" rx="4" fill="#c5f0f5" />
      </g>
    </svg>
  )
}

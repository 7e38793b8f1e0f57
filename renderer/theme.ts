/** Colours, type and control defaults of the window. */
import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core'

/** One accent: the blue-green of water in a pail. Shade 7 on white and white on it are AA. */
const WATER: MantineColorsTuple = [
  '#e6f7fa',
  '#d0edf2',
  '#a3dbe5',
  '#73c8d7',
  '#4cb7ca',
  '#2ba3b9',
  '#14869c',
  '#0b6f84',
  '#085a6b',
  '#054552',
]

/** Greys of the dark scheme, a little blue like the surfaces of global.css. */
const SLATE: MantineColorsTuple = [
  '#e6e9ec',
  '#b9c0c8',
  '#8e97a1',
  '#6b747d',
  '#434951',
  '#30343a',
  '#23262b',
  '#1b1d21',
  '#15171a',
  '#101214',
]

/** Red that reads on white and carries white: the library's own does neither. */
const BRICK: MantineColorsTuple = [
  '#fdf1ef',
  '#fbdcd7',
  '#ff9a8b',
  '#f5796a',
  '#e8594a',
  '#d63f30',
  '#c52f20',
  '#b42318',
  '#8f1a11',
  '#6b110a',
]

const SYSTEM_FONT =
  'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", Roboto, Cantarell, sans-serif'

export const theme = createTheme({
  primaryColor: 'water',
  primaryShade: 7,
  colors: { water: WATER, dark: SLATE, red: BRICK },
  fontFamily: SYSTEM_FONT,
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '18px' },
  headings: { fontFamily: SYSTEM_FONT, fontWeight: '600' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.4 },
        transitionProps: { duration: 120, transition: 'fade' },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true } },
  },
})

/** Secondary text is AA on every background that we use; the library's own is not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5a626b',
    '--mantine-color-error': '#b42318',
    '--mantine-color-placeholder': '#6b747d',
  },
  dark: {
    '--mantine-color-body': '#1b1d21',
    '--mantine-color-dimmed': '#a3abb5',
    '--mantine-color-error': '#ff9a8b',
    '--mantine-color-placeholder': '#8e97a1',
  },
})

export const colorSchemeManager = localStorageColorSchemeManager({ key: 'pail-color-scheme' })

/** Before the first paint, so that a dark window does not open white. */
export function applyStoredColorScheme(): void {
  const stored = colorSchemeManager.get('auto')
  const isDark =
    stored === 'dark' ||
    (stored === 'auto' && window.matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', isDark ? 'dark' : 'light')
}

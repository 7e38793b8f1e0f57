/** A tone as icon and colour; the word stands beside it, so that colour never speaks alone. */
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleMinus,
  IconCloudUpload,
} from '@tabler/icons-react'
import { assertNever } from '../../shared/errors.ts'
import type { Tone } from '../view/tone.ts'

const ICON = { size: 18, stroke: 1.8, 'aria-hidden': true } as const

export function ToneIcon({ tone }: { readonly tone: Tone }) {
  const color = `var(--tone-${tone})`
  switch (tone) {
    case 'good':
      return <IconCircleCheck {...ICON} color={color} />
    case 'busy':
      return <IconCloudUpload {...ICON} color={color} />
    case 'quiet':
      return <IconCircleMinus {...ICON} color={color} />
    case 'attention':
      return <IconAlertTriangle {...ICON} color={color} />
    default:
      return assertNever(tone)
  }
}

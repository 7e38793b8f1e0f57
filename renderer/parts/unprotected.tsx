/** The mark of what is not encrypted on its way. Its meaning shows under the pointer and on focus. */
import { Tooltip } from '@mantine/core'
import { IconLockOpen } from '@tabler/icons-react'
import { isUnprotected, UNPROTECTED_SENTENCE, UNPROTECTED_WORD } from '../../shared/protection.ts'
import classes from './unprotected.module.css'

export function UnprotectedMark({ endpointUrl }: { readonly endpointUrl: string }) {
  if (!isUnprotected(endpointUrl)) return null
  return (
    <Tooltip
      label={UNPROTECTED_SENTENCE}
      multiline
      w={340}
      events={{ hover: true, focus: true, touch: true }}
    >
      <button type="button" className={classes.mark} aria-description={UNPROTECTED_SENTENCE}>
        <IconLockOpen size={11} aria-hidden />
        {UNPROTECTED_WORD}
      </button>
    </Tooltip>
  )
}

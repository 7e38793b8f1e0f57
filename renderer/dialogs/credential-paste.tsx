/** One field for a pasted credential; says what it recognised and keeps nothing of it. */
import { Textarea } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconClipboardText } from '@tabler/icons-react'
import { useState } from 'react'
import { type Recognised, recognise } from '../view/credential-paste.ts'
import classes from './dialog.module.css'

type PasteProps = {
  readonly onRecognise: (keys: Extract<Recognised, { kind: 'keys' }>) => void
}

const HINT = 'An IBM service credential (JSON), a line ACCESS:SECRET, or AWS keys.'

export function CredentialPaste({ onRecognise }: PasteProps) {
  const [text, setText] = useState('')
  const [seen, setSeen] = useState<Recognised>()
  const take = (pasted: string) => {
    const recognised = recognise(pasted)
    setSeen(recognised)
    // What was recognised is in the fields below: the secret must not stay readable here.
    setText(recognised?.kind === 'keys' ? '' : pasted)
    if (recognised?.kind === 'keys') onRecognise(recognised)
  }
  return (
    <div>
      <Textarea
        label="Paste a credential"
        placeholder="Paste here"
        rows={2}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        value={text}
        onChange={(event) => take(event.currentTarget.value)}
        classNames={{ input: classes.secretInput ?? '' }}
        aria-describedby="paste-note"
      />
      <PasteNote seen={seen} />
    </div>
  )
}

function PasteNote({ seen }: { readonly seen: Recognised | undefined }) {
  const tone = seen === undefined ? 'quiet' : seen.kind === 'keys' ? 'good' : 'attention'
  const Icon =
    tone === 'quiet' ? IconClipboardText : tone === 'good' ? IconCircleCheck : IconAlertTriangle
  return (
    <div id="paste-note" className={classes.note} data-tone={tone} role="status">
      <Icon size={18} stroke={1.7} aria-hidden />
      <span>{seen?.note ?? HINT}</span>
    </div>
  )
}

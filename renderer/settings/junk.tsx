/** The names of files that are never uploaded: shown, and changed one by one. */
import { Button, Skeleton, TextInput, UnstyledButton } from '@mantine/core'
import { IconPlus, IconRestore, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import type { JunkView } from '../../shared/junk.ts'
import { showFailure } from '../mount-actions.ts'
import settings from '../pages/settings.module.css'
import { Failure } from '../parts/failure.tsx'
import { useAction, useJunk } from '../queries.ts'
import { isDefaultList, junkSentence, localWords, patternFault } from '../view/junk.ts'
import classes from './junk.module.css'
import { Section } from './section.tsx'

const TITLE = 'Never uploaded'

export function JunkNames() {
  const { data, error } = useJunk()
  const set = useAction('junk/set')
  const change = (patterns: readonly string[]) => {
    const onError = (thrown: unknown) => showFailure('The list was not changed', thrown)
    set.mutate({ patterns: [...patterns] }, { onError })
  }
  // What was asked for shows at once; an answer that refuses it brings the list back.
  const asked = set.isPending ? set.variables.patterns : undefined
  const view = data && asked ? { ...data, patterns: asked } : data
  const reset = view && (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconRestore size={15} aria-hidden />}
      disabled={isDefaultList(view) || set.isPending}
      onClick={() => change(view.defaults)}
    >
      Reset the list
    </Button>
  )
  return (
    <Section title={TITLE} action={reset}>
      {error !== null && <Failure error={error} title="The list could not be read" />}
      {view === undefined && error === null && <Loading />}
      {view !== undefined && <Names view={view} isBusy={set.isPending} change={change} />}
    </Section>
  )
}

function Loading() {
  return (
    <div className={classes.body} role="status" aria-busy="true" aria-label="Loading the list">
      <Skeleton height={18} width="70%" />
      <Skeleton height={28} />
    </div>
  )
}

type NamesProps = {
  readonly view: JunkView
  readonly isBusy: boolean
  readonly change: (patterns: readonly string[]) => void
}

function Names({ view, isBusy, change }: NamesProps) {
  const { patterns } = view
  return (
    <div className={classes.body}>
      <p className={`${classes.text} numbers`}>
        {junkSentence(view)} {patterns.length > 0 && localWords(view)}
      </p>
      {patterns.length > 0 && (
        <ul className={classes.names} aria-label="Names that are never uploaded">
          {patterns.map((pattern) => (
            <li key={pattern} className={classes.name}>
              <span className="ellipsis selectable" title={pattern}>
                {pattern}
              </span>
              <UnstyledButton
                className={classes.remove}
                aria-label={`Take ${pattern} off the list`}
                disabled={isBusy}
                onClick={() => change(patterns.filter((one) => one !== pattern))}
              >
                <IconX size={14} aria-hidden />
              </UnstyledButton>
            </li>
          ))}
        </ul>
      )}
      <AddName patterns={patterns} isBusy={isBusy} add={(name) => change([...patterns, name])} />
      <p className={settings.quiet}>
        When a name is taken off the list, what is here of that name is uploaded. When one is added,
        what the bucket has of that name already stays there.
      </p>
    </div>
  )
}

const WILDCARDS = '* stands for any characters, ? for one. Capitals do not matter.'

type AddProps = {
  readonly patterns: readonly string[]
  readonly isBusy: boolean
  readonly add: (name: string) => void
}

function AddName({ patterns, isBusy, add }: AddProps) {
  const [typed, setTyped] = useState('')
  const [isTried, setTried] = useState(false)
  const fault = patternFault(patterns, typed)
  // Nothing is wrong with a name that is only begun.
  const shown = fault !== undefined && (isTried || typed.includes('/')) ? fault : undefined
  return (
    <form
      className={classes.add}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        setTried(fault !== undefined)
        if (fault !== undefined) return
        add(typed.trim())
        setTyped('')
      }}
    >
      <TextInput
        className={classes.field}
        aria-label="Add a name"
        placeholder="Add a name, such as *.tmp"
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        spellCheck={false}
        value={typed}
        // One line, so that a fault moves nothing.
        {...(shown === undefined ? { description: WILDCARDS } : { error: shown })}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          setTried(false)
        }}
      />
      <Button
        type="submit"
        variant="default"
        h={36}
        leftSection={<IconPlus size={15} aria-hidden />}
        disabled={typed.trim() === '' || isBusy}
      >
        Add
      </Button>
    </form>
  )
}

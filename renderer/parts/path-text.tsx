/** A path on one line. Where it does not fit its beginning is left out: the end says which file it is. */

type PathTextProps = {
  readonly text: string
  readonly title?: string
  readonly className?: string | undefined
}

export function PathText({ text, title = text, className = '' }: PathTextProps) {
  return (
    <span className={`ellipsis ellipsis-start selectable ${className}`} title={title}>
      <bdi dir="ltr">{text}</bdi>
    </span>
  )
}

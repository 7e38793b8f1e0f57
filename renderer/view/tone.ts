/** How something is, apart from what it is: each tone has a colour and an icon. */
export type Tone = 'good' | 'busy' | 'quiet' | 'attention'

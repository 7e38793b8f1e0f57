export const reportOf = (_: unknown) => ''

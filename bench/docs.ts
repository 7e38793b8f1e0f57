export const writeDocs = async (_: unknown) => {}

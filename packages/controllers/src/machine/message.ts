/** Whether two messages of a cloud say the same: many put a request ID or a time into every answer. */
export const saySame = (a: string, b: string): boolean => a === b || withoutIds(a) === withoutIds(b);

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{16,}\b|\b\d{10,}\b|\d{4}-\d\d-\d\d[T ][\d:.]+Z?/gi;

const withoutIds = (message: string): string => message.replace(IDS, "#");

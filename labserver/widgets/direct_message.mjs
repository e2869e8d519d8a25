// What is typed as `/dm NAME text` goes to one person. chat.py reads it in the same way.

const DIRECT_MESSAGE = /^\/dm\s+([A-Za-z0-9_.-]{1,64})\s+([\s\S]+)$/;

/** What was typed, as `{to, content}`; `to` is empty for a message to the room. */
export function addressed(text) {
  const [, to, content] = DIRECT_MESSAGE.exec(text) ?? [null, "", text];
  return { to, content };
}

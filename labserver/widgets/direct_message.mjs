// What is typed as `/dm NAME text` goes to one person. chat.py reads it in the same way.

const COMMAND = /^\/dm(\s|$)/;
const DIRECT_MESSAGE = /^\/dm\s+([A-Za-z0-9_.-]{1,64})\s+([\s\S]+)$/;

/**
 * What was typed, as `{to, content}`; `to` is empty for a message to the room. A `/dm` without a
 * valid name or a text is null: the room must not read what was meant for one person.
 */
export function addressed(text) {
  if (!COMMAND.test(text)) return { to: "", content: text };
  const [, to, content] = DIRECT_MESSAGE.exec(text) ?? [];
  return content === undefined ? null : { to, content };
}

export const INCOMPLETE = "Nothing was sent: write /dm, the name of one person, and the text.";

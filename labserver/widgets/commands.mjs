// What is typed into a chat window: a message, or a command that begins with a slash and that the
// window answers itself. commands.py reads it in the same way; both have tests/widgets/typed.json.

const NAMED = /^\/dm\s+([A-Za-z0-9_.-]{1,64})\s+([\s\S]+)$/;
const SHOWN = 30; // characters of an unknown command

export const HELP = [
  "/dm NAME text sends the text to one person.",
  "//text sends a text that begins with a slash.",
  "/help shows these lines.",
].join("\n");
const INCOMPLETE = "Nothing was sent: write /dm, the name of one person, and the text.";

/**
 * What is to be done about what was typed.
 *
 * @returns `{to, content}`, a message, with an empty `to` if it is for the room; or `{hint}`, what
 *   the window shows instead of sending anything; or `{problem}`, the same if it was a mistake. The
 *   room must not read what was meant for one person.
 */
export function readTyped(text) {
  if (text.startsWith("//")) return { to: "", content: text.slice(1) };
  if (!text.startsWith("/")) return { to: "", content: text };
  const [command] = text.split(/\s/, 1);
  if (command === "/help") return { hint: HELP };
  if (command === "/dm") {
    const [, to, content] = NAMED.exec(text) ?? [];
    return content === undefined ? { problem: INCOMPLETE } : { to, content };
  }
  return {
    problem:
      `Nothing was sent: there is no command ${command.slice(0, SHOWN)}. /help lists those there` +
      " are; begin with two slashes to send the text itself.",
  };
}

// One line of a chat, in the kernel's windows and in the browser's own.

function chatLine(item) {
  const row = element("div", `lab-chat-line lab-chat-${item.state}`);
  if (item.ts) {
    const time = element("time", "", new Date(item.ts).toLocaleTimeString());
    time.dateTime = item.ts;
    row.append(time);
  }
  if (item.who) row.append(element("b", "", item.to ? `${item.who} → ${item.to}` : item.who));
  row.append(element("span", "lab-chat-text", item.text));
  const note = { sending: "sending…", failed: `not sent: ${item.why}` }[item.state] ?? item.why;
  if (note) row.append(element("i", "", note));
  return row;
}

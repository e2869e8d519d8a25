// Where the strokes of a lane stand, and whether anything is left to move.

/**
 * The strokes that a lane shows, each with its place from 0 (the oldest) to 1 (now).
 *
 * @param strokes triples of a bin's number, and how many messages went up and down in it
 * @param nowS the time on the kernel's clock, in seconds since 1970
 */
export function placed(strokes, nowS, windowS, binS) {
  return strokes
    .map(([bin, up, down]) => ({ x: 1 - (nowS - bin * binS) / windowS, up, down }))
    .filter(({ x }) => x >= 0 && x <= 1 + binS / windowS);
}

/** How long a stroke is, as a share of half a lane: it grows with the number of messages. */
export function length(messages) {
  return messages === 0 ? 0 : Math.min(1, 0.55 + 0.15 * Math.log2(messages));
}

/** A number of bytes in three digits, such as "12.3 kB". */
export function sized(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${value.toPrecision(3)} ${unit}`;
}

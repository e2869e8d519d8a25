// A number as people type it.

const GROUPED = /^[+-]?\d{1,3}(,\d{3})+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Read a number; the decimal sign may be a comma, the unit may follow, blanks may group digits.
 *
 * The result has a `value`, or a `problem` that says what to type.
 */
export function readNumber(text, { unit, low, high, wanted }) {
  let typed = text.trim();
  if (unit && typed.toLowerCase().endsWith(unit.toLowerCase())) {
    typed = typed.slice(0, -unit.length);
  }
  typed = typed.replaceAll(/\s/g, "");
  if (typed === "") return { problem: `Type ${wanted}.` };
  if (GROUPED.test(typed)) {
    const [digits, point] = [typed.replaceAll(",", ""), typed.replace(",", ".")];
    const readings = typed.split(",").length > 2 ? digits : `${digits} or ${point}`;
    return { problem: `Type ${readings}: a comma can be read in two ways.` };
  }
  typed = typed.replace(",", ".");
  if (!NUMBER.test(typed)) return { problem: `“${text.trim()}” is not a number: type ${wanted}.` };
  const value = Number(typed);
  const fits =
    Number.isFinite(value) && (low === null || value >= low) && (high === null || value <= high);
  return fits ? { value } : { problem: `${text.trim()} is out of range: type ${wanted}.` };
}

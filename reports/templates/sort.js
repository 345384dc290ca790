/* Tables sort by a click on a heading. Without scripts they stay as they are. */
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const falls = heading.getAttribute("aria-sort") === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
      rows.sort(([a], [b]) => (falls ? -1 : 1) * compare(a, b));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
function key(cell) {
  const shown = cell ? cell.querySelector(".value, time") || cell : null;
  const text = shown ? (shown.dateTime || shown.textContent).trim() : "";
  const number = Number(text.replace("−", "-").replace(/,/g, "").replace(/[^-+.\d].*$/, ""));
  return /^[-−+<>]?\s?[.\d]/.test(text) && !shown.dateTime && !Number.isNaN(number) ? number : text;
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return a.localeCompare(b, "en");
}

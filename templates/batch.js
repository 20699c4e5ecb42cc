"use strict";
/* Headings sort, the field finds. Without this script the page says all the same in the order of the files. */
const table = document.getElementById("table");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const shown = document.getElementById("shown");
  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  function sort(head, key) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numbers = ["length", "share", "read", "notes"].includes(key);
    const compare = (a, b) => numbers ? a.dataset[key] - b.dataset[key] : words.compare(a.dataset[key], b.dataset[key]);
    rows.sort((a, b) => (down ? -1 : 1) * compare(a, b));
    body.append(...rows);
  }

  for (const head of table.tHead.rows[0].cells) {
    if (!head.dataset.key) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, head.dataset.key));
    head.replaceChildren(button);
  }

  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      count += !row.hidden;
    }
    shown.textContent = wanted === "" ? "" : `${count} of ${rows.length} rows`;
  });
}

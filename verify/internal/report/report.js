// Sorting and filtering of the table of findings. Without it the page is complete.
(() => {
  const table = document.getElementById("leaks"), body = table && table.tBodies[0];
  if (!body) return;
  const rows = [...body.rows];
  const tools = document.getElementById("tools");
  const text = document.getElementById("filter"), kind = document.getElementById("kind"), shown = document.getElementById("shown");
  let order = "";
  const filter = () => {
    const want = text.value.trim().toLowerCase();
    let n = 0;
    for (const r of rows) {
      r.hidden = kind.value !== "" && r.dataset.finding !== kind.value || want !== "" && !r.textContent.toLowerCase().includes(want);
      if (!r.hidden) n++;
    }
    shown.textContent = n + " of " + rows.length + " shown" + order;
  };
  text.addEventListener("input", filter);
  kind.addEventListener("change", filter);
  tools.hidden = false;
  filter();
  const value = (r, i) => {
    const s = r.cells[i].textContent.trim().replace("−", "-");
    const x = Number(s.replace(" %", ""));
    return s === "" || s === "–" ? null : Number.isNaN(x) ? s : x;
  };
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const th of table.tHead.rows[0].cells) {
    if (!th.textContent.trim()) continue;
    const b = document.createElement("button");
    b.type = "button";
    b.append(...th.childNodes);
    th.append(b);
    const name = b.textContent;
    b.addEventListener("click", () => {
      const up = th.getAttribute("aria-sort") !== "ascending", i = th.cellIndex;
      for (const o of table.tHead.rows[0].cells) o.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sorted = rows.map((r) => [value(r, i), r]).sort(([a], [b]) => a === null || b === null ? compare(a, b) : up ? compare(a, b) : compare(b, a));
      body.append(...sorted.map(([, r]) => r));
      order = ", sorted by " + name + ", " + th.getAttribute("aria-sort");
      filter(); // which says so
    });
  }
})();

// What the rows of the table open to, and the filters. Nothing here asks for anything outside of this page.
(() => {
  "use strict";
  const alone = document.currentScript.dataset.alone === "yes";
  const forbid = (policy) => {
    const meta = document.createElement("meta");
    meta.httpEquiv = "Content-Security-Policy";
    meta.content = policy;
    document.head.append(meta);
  };
  // An agent wrote most of what is shown. All of it is escaped; should that ever fail, it still reaches nobody.
  if (alone) {
    forbid("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; " +
      "media-src data:; font-src data:; form-action 'none'; base-uri 'none'");
  }

  const rows = JSON.parse(document.getElementById("cm-index").textContent);
  const bar = document.getElementById("cm-filters");
  const shown = document.getElementById("cm-shown");
  const filled = new Map();
  const opened = new Map();
  const table = () => document.getElementById("results-table");

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  };

  const fill = async (place) => {
    place.classList.add("cm-full");
    filled.set(place.dataset.part, place);
    const packed = document.getElementById(`cm-part-${place.dataset.part}`);
    const whole = packed.textContent;
    const split = whole.length - Number(packed.dataset.checks);
    try {
      const parts = [whole.slice(0, split), whole.slice(split)].filter(Boolean).map(unpack);
      place.innerHTML = (await Promise.all(parts)).join("");
    } catch (error) {
      place.textContent = `This browser cannot unpack what belongs here (${error}): it needs ` +
        "DecompressionStream, as in Chrome 80, Firefox 113 and Safari 16.4. The run's folder holds it, too.";
    }
  };

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !entry.target.classList.contains("cm-full")) {
        seen.unobserve(entry.target);
        fill(entry.target);
      }
    }
  }, {rootMargin: "400px"});

  const chosen = () => Object.fromEntries(new FormData(bar));
  const matches = (row, by) =>
    (!by.family || row.family === by.family) &&
    (!by.agent || row.agent === by.agent) &&
    (!by.outcome || (by.outcome === "passed" ? row.outcomes.every((found) => found === "passed")
      : row.outcomes.includes(by.outcome))) &&
    (!by.red || (by.red === "any" ? row.red !== "" : row.red === by.red)) &&
    (!by.missed || row.missed.includes(by.missed)) &&
    (!by.text || `${row.task} ${row.turn} ${row.agent}`.toLowerCase().includes(by.text.toLowerCase()));

  const filter = () => {
    const by = chosen();
    let count = 0;
    for (const place of document.querySelectorAll("#results-table .cm-lazy")) {
      const fits = matches(rows[Number(place.dataset.part)], by);
      place.closest("tbody").hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} turns`;
    bar.classList.toggle("cm-filtering", Object.values(by).some(Boolean));
  };

  const partOf = (row) => row.parentElement.querySelector(".cm-lazy")?.dataset.part;

  const set = (body, open) => {
    body.querySelector(".extras-row").classList.toggle("hidden", !open);
    const result = body.querySelector(".col-result");
    result.classList.toggle("collapsed", !open);
    result.setAttribute("aria-expanded", String(open));
  };

  // pytest-html makes the whole table anew when it sorts or filters: give it back what was open and filled.
  const adopt = () => {
    for (const fresh of document.querySelectorAll("#results-table .cm-lazy")) {
      const part = fresh.dataset.part;
      const body = fresh.closest("tbody");
      const result = body.querySelector(".col-result");
      result.tabIndex = 0;
      result.setAttribute("role", "button");
      set(body, opened.has(part) ? opened.get(part) : !body.querySelector(".extras-row").classList.contains("hidden"));
      const kept = filled.get(part);
      if (kept && kept !== fresh) fresh.replaceWith(kept);
      else if (!kept) seen.observe(fresh);
    }
    filter();
  };

  const toggle = (row) => {
    const part = partOf(row);
    const open = row.parentElement.querySelector(".extras-row").classList.contains("hidden");
    opened.set(part, open);
    set(row.parentElement, open);
  };

  document.addEventListener("click", (event) => {
    const jump = event.target.closest("[data-open]");
    if (jump) {
      reveal(jump.dataset.open);
      return;
    }
    if (event.target.closest("#show_all_details, #hide_all_details")) opened.clear();
    const row = event.target.closest("#results-table .collapsible");
    if (row && !event.target.closest("a") && partOf(row) !== undefined) {
      event.stopPropagation();
      if (!String(getSelection())) toggle(row);
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("#results-table .col-result[role=button]");
    if (cell && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      toggle(cell.parentElement);
    }
  });

  const reveal = (part) => {
    bar.reset();
    for (const box of document.querySelectorAll("input[name=filter_checkbox]:not(:checked):not(:disabled)")) {
      box.click();
    }
    adopt();
    const place = [...document.querySelectorAll("#results-table .cm-lazy")]
      .find((found) => found.dataset.part === part);
    if (!place) return;
    const body = place.closest("tbody");
    opened.set(part, true);
    set(body, true);
    body.scrollIntoView({block: "start"});
    body.querySelector(".col-result").focus({preventScroll: true});
  };

  document.addEventListener("DOMContentLoaded", () => {
    bar.hidden = rows.length === 0;
    document.querySelector(".summary").after(bar);
    bar.addEventListener("input", filter);
    bar.addEventListener("reset", () => setTimeout(filter));
    bar.addEventListener("submit", (event) => event.preventDefault());
    new MutationObserver((changes) => {
      if (changes.some((change) => [...change.addedNodes].includes(table()))) adopt();
    }).observe(document.body, {childList: true});
    document.getElementById("environment").classList.add("hidden");
    document.getElementById("environment-header").classList.add("collapsed");
    adopt();
    forbid("script-src 'none'");
  });
})();

// What the pages do by themselves. Without it they still show everything; with it they filter, play and stay current.
"use strict";

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ---- small things everywhere ----

function toast(text) {
  find(".toast")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  box.setAttribute("role", "status");
  box.textContent = text;
  document.body.append(box);
  setTimeout(() => box.remove(), 1600);
}

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("clawmark-theme", root.dataset.theme);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function showHelp() {
  const help = find("#help");
  if (help.open) help.close();
  else help.showModal();
}

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}

// ---- filters of lists; they stand in the address, so that a filtered list can be shared ----

const FILTERS = ["family", "label", "outcome"];

function filterRows() {
  const words = (find("[data-filter]")?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.fromEntries(all("select[data-by]").map((each) => [each.dataset.by, each.value]));
  const red = find("[data-red]")?.checked ?? false;
  let shown = 0;
  for (const row of all("[data-row]")) {
    const text = row.dataset.text.toLowerCase();
    const fits =
      words.every((word) => text.includes(word)) &&
      Object.entries(wanted).every(([name, value]) => !value || row.dataset[name] === value) &&
      (!red || Number(row.dataset.crossed) > 0);
    row.hidden = !fits;
    shown += fits;
  }
  const none = find("[data-none]");
  if (none) none.hidden = shown > 0;
  const count = find("[data-shown]");
  const rows = all("[data-row]").length;
  if (count) count.textContent = shown === rows ? `${rows}` : `${shown} of ${rows}`;
}

function rememberFilters() {
  const address = new URL(location.href);
  const set = (name, value) => (value ? address.searchParams.set(name, value) : address.searchParams.delete(name));
  set("q", find("[data-filter]")?.value);
  for (const each of all("select[data-by]")) set(each.dataset.by, each.value);
  set("red", find("[data-red]")?.checked ? "1" : "");
  history.replaceState(null, "", address);
}

function recallFilters() {
  const asked = new URL(location.href).searchParams;
  const text = find("[data-filter]");
  if (text) text.value = asked.get("q") ?? "";
  for (const name of FILTERS) {
    const select = find(`select[data-by="${name}"]`);
    if (select) select.value = [...select.options].some((one) => one.value === asked.get(name)) ? asked.get(name) : "";
  }
  const red = find("[data-red]");
  if (red) red.checked = asked.get("red") === "1";
  filterRows();
}

function clearFilters() {
  for (const each of all("[data-filter], select[data-by]")) each.value = "";
  const red = find("[data-red]");
  if (red) red.checked = false;
  rememberFilters();
  filterRows();
}

function sortBy(head) {
  const table = head.closest("table");
  const place = [...head.parentElement.children].indexOf(head);
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const each of all("th[aria-sort]", table)) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (row) => {
    const cell = row.children[place];
    return head.dataset.sort === "num" ? Number(cell.dataset.value ?? cell.textContent) : cell.textContent.trim();
  };
  const order = (one, two) => (typeof one === "number" ? one - two : one.localeCompare(two));
  const body = find("tbody", table);
  const rows = [...body.children].sort((one, two) => order(value(one), value(two)) * (up ? 1 : -1));
  body.append(...rows);
}

function countChosen() {
  const button = find("#compare");
  if (!button) return;
  const chosen = all('input[name="run"]:checked').length;
  button.disabled = chosen < 1;
  button.textContent = chosen > 1 ? `Compare ${chosen} runs` : chosen ? "Compare its agents" : "Compare chosen";
}

// ---- a run while it is played ----

const EVERY = 2000;

function watchRun() {
  const board = find("#board[data-poll]");
  if (!board) return;
  let known = board.dataset.version;
  const look = async () => {
    if (!document.hidden) {
      try {
        const now = JSON.parse(await fetched(board.dataset.poll));
        if (now.version !== known) await replaceBoard(board);
        known = now.version;
        tellProgress(now);
        if (now.state !== "running") return location.reload();
      } catch (error) {
        toast(`no news of the run: ${error.message}`);
      }
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

async function replaceBoard(board) {
  // The server has escaped everything in it that was not its own.
  board.innerHTML = await fetched(board.dataset.board);
  recallFilters();
}

function tellProgress(now) {
  const told = { ...now, ended: now.ended + now.void };
  for (const place of all("[data-live]")) place.textContent = told[place.dataset.live];
  const list = find("#doing");
  if (!list) return;
  list.replaceChildren(
    ...now.doing.map((each) => {
      const item = document.createElement("li");
      const part = (tag, text, name = "") => {
        const made = document.createElement(tag);
        made.textContent = text;
        made.className = name;
        return made;
      };
      const trial = each.trial > 1 ? ` · trial ${each.trial}` : "";
      item.append(part("b", each.task), " ", part("span", each.label + trial, "dim"), ` ${each.turn} `, part("code", each.doing));
      return item;
    }),
  );
}

// ---- an episode: steps and panels ----

class Player {
  constructor(bench) {
    this.bench = bench;
    this.anchor = bench.dataset.anchor;
    this.total = Number(bench.dataset.total);
    this.now = -1;
    this.timer = null;
    this.list = find("#steps");
    this.slider = find("#slider");
  }

  step(number) {
    return document.getElementById(`${this.anchor}-${number}`);
  }

  // Brings the page of steps that holds one, if it is not there yet.
  async load(number) {
    if (this.step(number)) return;
    const start = Math.max(0, number - 20);
    this.list.innerHTML = await fetched(`${this.bench.dataset.steps}&from=${start}`);
  }

  async go(number, { remember = true, open = true } = {}) {
    if (!this.total) return;
    const wanted = Math.min(Math.max(number, 0), this.total - 1);
    this.now = wanted;
    await this.load(wanted);
    if (this.now !== wanted) return;
    const step = this.step(wanted);
    for (const each of all(".step", this.list)) {
      each.classList.toggle("now", each === step);
      each.classList.toggle("ahead", Number(each.dataset.number) > wanted);
    }
    for (const each of all("details[data-by-player]", this.list)) {
      if (!step?.contains(each)) {
        each.open = false;
        delete each.dataset.byPlayer;
      }
    }
    const details = step && find("details:not(.thinking, .calls)", step);
    if (open && details && !details.open) {
      details.open = true;
      details.dataset.byPlayer = "1";
    }
    if (step) this.reveal(step);
    this.slider.value = wanted;
    find("#position").textContent = `${wanted} of ${this.total - 1}`;
    if (remember) history.replaceState(null, "", `${location.pathname}${location.search}#${this.anchor}-${wanted}`);
  }

  // Only the list of steps scrolls where it has a height of its own; else the page does.
  reveal(step) {
    const box = this.list.parentElement;
    if (box.scrollHeight <= box.clientHeight + 1) return step.scrollIntoView({ block: "nearest" });
    const head = find(".controls").offsetHeight + 8;
    const [inner, outer] = [step.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top + head || inner.height > outer.height - head) box.scrollTop += inner.top - outer.top - head;
    else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + 8;
  }

  get playing() {
    return this.timer !== null;
  }

  play() {
    if (this.playing) return this.pause();
    if (this.now >= this.total - 1) this.now = -1;
    this.bench.classList.add("playing");
    const beat = async () => {
      await this.go(this.now + 1);
      if (!this.playing) return;
      if (this.now >= this.total - 1) return this.bench.dataset.later ? otherDay("later", true) : this.pause();
      this.timer = setTimeout(beat, Number(find("#speed").value));
    };
    this.timer = setTimeout(beat, 0);
    find('[data-do="play"]').setAttribute("aria-pressed", "true");
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.bench.classList.remove("playing");
    find('[data-do="play"]').setAttribute("aria-pressed", "false");
  }

  toggleStep() {
    const details = this.step(this.now) && find("details", this.step(this.now));
    if (details) details.open = !details.open;
  }

  fold(button) {
    const open = button.textContent === "open all";
    for (const each of all(".step details", this.list)) each.open = open;
    button.textContent = open ? "close all" : "open all";
  }

  async below(button) {
    const item = button.closest(".more");
    const text = await fetched(`${this.bench.dataset.steps}&from=${button.dataset.from}`);
    const made = document.createElement("template");
    made.innerHTML = text;
    find('[data-do="above"]', made.content)?.closest(".more").remove();
    item.replaceWith(made.content);
  }

  async above(button) {
    this.list.innerHTML = await fetched(`${this.bench.dataset.steps}&from=${button.dataset.from}`);
  }
}

let player = null;

function otherDay(which, playing = false) {
  const day = player?.bench.dataset[which];
  if (!day) return;
  const address = new URL(location.href);
  address.searchParams.set("day", day);
  address.searchParams.delete("from");
  address.hash = playing ? "play" : "";
  location.assign(address);
}

// A link to a step names its day: `#tuesday-12`. It holds on whichever day's page it is opened.
function followHash() {
  const named = /^#(.+)-(\d+)$/.exec(decodeURIComponent(location.hash));
  if (location.hash === "#play") return player.play();
  if (!named) return;
  if (named[1] === player.anchor) return void player.go(Number(named[2]), { remember: false });
  const other = all(".timeline a").find((each) => each.dataset.anchor === named[1]);
  if (!other) return;
  const address = new URL(location.href);
  address.searchParams.set("day", other.dataset.day);
  location.replace(address);
}

let asked = null;

async function showPanel(link) {
  const panel = find("#panel");
  asked = link.href;
  const page = new URL(link.href);
  const address = new URL(player.bench.dataset.panel, location.href);
  for (const [name, value] of page.searchParams) address.searchParams.set(name, value);
  panel.setAttribute("aria-busy", "true");
  try {
    const content = await fetched(address);
    // Somebody who has asked for another panel since then is not to be shown this one.
    if (asked !== link.href) return;
    panel.innerHTML = content;
  } catch (error) {
    toast(error.message);
  } finally {
    if (asked === link.href) panel.removeAttribute("aria-busy");
  }
  const shown = page.searchParams.get("panel");
  for (const each of all(".tabs a")) {
    if (each.dataset.panel === shown) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  for (const each of all(".timeline a")) {
    const day = new URL(each.href);
    day.searchParams.set("panel", shown);
    each.href = day;
  }
  page.hash = location.hash;
  history.replaceState(null, "", page);
}

async function copyLink() {
  const address = location.href;
  try {
    await navigator.clipboard.writeText(address);
    toast("link copied");
  } catch (error) {
    toast(`${address} (not copied: ${error.name})`);
  }
}

function whenBefore(search) {
  // The day that an address without one shows, for whoever the link is sent to.
  if (!search.searchParams.get("day") && player) {
    search.searchParams.set("day", player.bench.dataset.day);
    history.replaceState(null, "", search);
  }
}

// ---- what is pressed ----

const DEEDS = {
  theme: changeTheme,
  help: showHelp,
  clear: clearFilters,
  back: () => player.go(player.now - 1),
  forth: () => player.go(player.now + 1),
  play: () => player.play(),
  fold: (button) => player.fold(button),
  below: (button) => player.below(button),
  above: (button) => player.above(button),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) return void DEEDS[button.dataset.do](button);
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const head = event.target.closest("th[data-sort]");
  if (head) return sortBy(head);
  const link = event.target.closest("a");
  if (!link || !player) return;
  if (link.matches(".no")) {
    event.preventDefault();
    player.go(Number(link.closest(".step").dataset.number), { open: false });
  } else if (link.matches("[data-swap], .tabs a")) {
    event.preventDefault();
    showPanel(link);
  }
});

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-filter], select[data-by], [data-red]")) {
    rememberFilters();
    filterRows();
  } else if (event.target.matches('input[name="run"]')) countChosen();
  else if (event.target.id === "slider") player.go(Number(event.target.value));
});

const KEYS = {
  j: () => player?.go(player.now + 1),
  k: () => player?.go(player.now - 1),
  ArrowDown: () => player?.go(player.now + 1),
  ArrowUp: () => player?.go(player.now - 1),
  n: () => otherDay("later"),
  p: () => otherDay("earlier"),
  " ": () => player?.play(),
  Enter: () => player?.toggleStep(),
  o: () => player?.toggleStep(),
  c: () => player && copyLink(),
  t: changeTheme,
  "?": showHelp,
  "/": () => find("[data-filter]")?.focus(),
};

// The other keys are the browser's own where there is no player.
const ANYWHERE = ["t", "?", "/"];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (event.key === "Escape" && at.matches("[data-filter]")) return at.blur();
  if (at.matches("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
  if (find("#help").open && event.key !== "?") return;
  if ((event.key === "Enter" || event.key === " ") && at.matches("a, button, summary, input")) return;
  const tab = /^[1-9]$/.test(event.key) ? all(".tabs a")[Number(event.key) - 1] : null;
  if (!tab && !KEYS[event.key]) return;
  if (!player && !ANYWHERE.includes(event.key)) return;
  event.preventDefault();
  if (tab) showPanel(tab);
  else KEYS[event.key]();
});

// ---- begin ----

const bench = find("#workbench");
if (bench) {
  player = new Player(bench);
  whenBefore(new URL(location.href));
  addEventListener("hashchange", followHash);
  followHash();
} else {
  recallFilters();
  countChosen();
  watchRun();
}

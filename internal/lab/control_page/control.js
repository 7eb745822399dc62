// Keeps the control page live: switches without leaving the page, the story
// and the messages once a second. Without it, forms and a refresh do the same.
"use strict";

const story = document.getElementById("story");
const list = document.getElementById("messages");
const live = document.getElementById("live");
const failed = document.getElementById("failed");
const tabs = document.getElementById("tabs");
live.hidden = false;
tabs.hidden = false;

let last = Number(list.dataset.last);
let told = "";
let busy = false;

function show(on) {
  for (const b of document.querySelectorAll("button[role=switch]")) {
    const is = on.includes(b.dataset.name);
    b.setAttribute("aria-checked", String(is));
    b.form.elements.on.value = String(!is);
  }
}

async function look() {
  if (busy) return;
  busy = true;
  try {
    const r = await fetch("/control/live?after=" + last);
    const v = await r.json();
    show(v.on);
    if (v.story !== told) {
      story.innerHTML = v.story;
      told = v.story;
    }
    if (v.chat) list.insertAdjacentHTML("afterbegin", v.chat);
    while (list.children.length > 200) list.lastElementChild.remove();
    last = v.last;
    live.dataset.state = "live";
    live.lastElementChild.textContent = "live";
  } catch {
    live.dataset.state = "lost";
    live.lastElementChild.textContent = "the demo has ended, or cannot be reached";
  } finally {
    busy = false;
  }
}

document.addEventListener("click", async (e) => {
  const b = e.target.closest("button[data-post]");
  if (!b) return;
  e.preventDefault();
  const on = b.form.elements.on;
  b.classList.add("pressed");
  try {
    const r = await fetch(b.dataset.post + (on ? "?on=" + on.value : ""), { method: "POST" });
    failed.hidden = r.ok;
    if (!r.ok) failed.textContent = (await r.json()).error;
  } finally {
    b.classList.remove("pressed");
    look();
  }
});

function choose(b) {
  for (const o of tabs.children) o.setAttribute("aria-pressed", String(o === b));
  list.className = "show-" + b.dataset.show;
}

tabs.addEventListener("click", (e) => {
  const b = e.target.closest("button");
  if (!b) return;
  choose(b);
  history.replaceState(null, "", "#" + b.dataset.show);
});

// The address can name the service to show (#slack) and the colours
// (?theme=dark).
for (const b of tabs.children) if (location.hash === "#" + b.dataset.show) choose(b);
const theme = new URLSearchParams(location.search).get("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

look();
setInterval(look, 1000);

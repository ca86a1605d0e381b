// What htmx does not do: the theme, the live page's pause, and the fields that
// belong to a choice. Nothing here talks to the server.
(() => {
  "use strict";
  const root = document.documentElement;

  document.getElementById("theme")?.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `switchboard_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
    dispatchEvent(new Event("themechange"));
  });

  document.addEventListener("change", (e) => {
    if (e.target.id !== "period") return;
    for (const field of document.querySelectorAll(".when-custom")) field.hidden = e.target.value !== "custom";
  });

  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-remove]");
    button?.closest(button.dataset.remove).remove();
  });

  // Edits live in the page alone: who leaves it is asked.
  let sent = 0;
  document.addEventListener("submit", () => { sent = Date.now(); });
  addEventListener("beforeunload", (e) => {
    if (document.querySelector("#edits textarea") && Date.now() - sent > 2000) e.preventDefault();
  });

  // The live page: what comes while it is paused, pointed at or tabbed through
  // is kept, and the newest of it shown afterwards. A row that moves away under
  // the pointer would be the wrong one to click.
  const live = document.getElementById("live");
  if (!live) return;
  const board = document.getElementById("board"), state = document.getElementById("stream"), button = document.getElementById("pause");
  let paused = false, kept = null, spoken = 0;
  const busy = () => paused || board.querySelector(".scroll:hover, a:focus");
  const show = () => {
    if (kept === null || busy()) return;
    htmx.swap(board, kept, { swapStyle: "innerHTML" });
    kept = null;
  };
  document.body.addEventListener("htmx:sseBeforeMessage", (e) => {
    if (e.target !== board || !busy()) return;
    e.preventDefault();
    kept = e.detail.data;
  });
  board.addEventListener("pointerleave", show, true);
  board.addEventListener("focusout", () => setTimeout(show));
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Paused" : "Pause";
    say(paused ? "Paused" : "Live");
    show();
  });
  // Said aloud at most every ten seconds: a screen reader is no ticker.
  const say = (text) => {
    if (state.textContent === text || Date.now() - spoken < 10000 && text === state.dataset.last) return;
    spoken = Date.now();
    state.dataset.last = text;
    state.textContent = text;
  };
  document.body.addEventListener("htmx:sseOpen", () => say(paused ? "Paused" : "Live"));
  document.body.addEventListener("htmx:sseError", () => say("Connection lost; trying again"));
})();

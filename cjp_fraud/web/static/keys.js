/* Keys of the staff's pages, and drafts: what was typed is kept in the browser's tab until its form has acted. */
"use strict";

(() => {
  const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
  let at = -1;
  let prefix = "";

  const typing = (element) =>
    element instanceof HTMLElement && (element.isContentEditable || element.matches("input, textarea, select"));

  function moveTo(place) {
    const all = rows();
    if (!all.length) return;
    at = Math.max(0, Math.min(place, all.length - 1));
    all.forEach((row, number) => row.classList.toggle("at", number === at));
    const link = all[at].querySelector("a");
    link.focus({ preventScroll: true });
    all[at].scrollIntoView({ block: "nearest" });
  }

  function press(key) {
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return false;
    if (target.matches("input, textarea, select")) target.focus();
    else if (target.matches("summary")) {
      target.parentElement.open = true;
      target.parentElement.querySelector("textarea, input:not([type=hidden])").focus();
    }
    else target.click();
    return true;
  }

  const acts = {
    j: () => moveTo(at + 1),
    k: () => moveTo(at - 1),
    n: () => {
      const next = document.getElementById("next");
      if (!next) return;
      next.scrollIntoView({ block: "start" });
      (next.querySelector("textarea, input:not([type=hidden]), button") || next).focus();
    },
    "?": () => document.getElementById("keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (prefix === "g") {
      prefix = "";
      document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
      return;
    }
    if (event.key === "g") {
      prefix = "g";
      return;
    }
    const act = acts[event.key];
    if (act) act();
    else if (!press(event.key)) return;
    event.preventDefault();
  });

  const nameOf = (field) => `draft ${field.form.getAttribute("action")} ${field.name}`;

  document.querySelectorAll("[data-draft]").forEach((field) => {
    const kept = sessionStorage.getItem(nameOf(field));
    if (kept && !field.value) {
      field.value = kept;
      field.closest("details")?.setAttribute("open", "");
    }
    field.addEventListener("input", () => sessionStorage.setItem(nameOf(field), field.value));
  });

  /* A form that acted leads to another page at once. Whatever answers a form by itself, or is reached otherwise (a link,
     the way back after the line broke), says nothing of its having acted. */
  const acted = sessionStorage.getItem("sent");
  if (acted !== null) {
    sessionStorage.removeItem("sent");
    const ledHere = performance.getEntriesByType("navigation")[0]?.redirectCount > 0;
    const refused = document.querySelector("[role=alert], [data-refused]") !== null;
    if (ledHere && !refused && acted !== location.pathname && location.pathname !== "/sign-in") {
      const done = Object.keys(sessionStorage).filter((name) => name.startsWith(`draft ${acted} `));
      done.forEach((name) => {
        sessionStorage.removeItem(name);
        document.querySelectorAll("[data-draft]").forEach((field) => {
          if (nameOf(field) === name) field.value = "";
        });
      });
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    sessionStorage.setItem("sent", event.submitter?.getAttribute("formaction") || form.getAttribute("action"));
    form.querySelectorAll("button").forEach((button) => {
      setTimeout(() => {
        button.disabled = true;
      });
    });
  });

  /* A page that the browser shows again from its memory is sent again. */
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("button[disabled]").forEach((button) => (button.disabled = false));
  });

  document.querySelectorAll("[data-rows] tbody tr").forEach((row, number) => {
    row.addEventListener("focusin", () => {
      at = number;
      rows().forEach((each, place) => each.classList.toggle("at", place === at));
    });
  });
})();

/* What an open case says of itself: that it is used, so that the claim lasts; who else looks; what is typed. */
"use strict";

(() => {
  const bar = document.querySelector("[data-stay]");
  if (!bar) return;
  const path = bar.dataset.stay;
  const lease = bar.querySelector("[data-lease]");
  const others = bar.querySelector("[data-others-looking]");
  const EVERY = 30000;
  let used = false;
  let endsAt = lease.dataset.seconds ? Date.now() + Number(lease.dataset.seconds) * 1000 : null;

  ["keydown", "pointerdown", "scroll", "input"].forEach((name) =>
    document.addEventListener(name, () => (used = true), { passive: true, capture: true }),
  );

  async function send(where, fields) {
    const body = new URLSearchParams({ form_proof: bar.dataset.proof, ...fields });
    try {
      const answer = await fetch(path + where, { method: "POST", body, redirect: "error" });
      return answer.ok && answer.status !== 204 ? await answer.json() : null;
    } catch {
      return null; /* the network, or nobody is signed in any more: the next try says so again */
    }
  }

  async function stay() {
    if (document.hidden) return;
    const said = used ? "1" : "0";
    used = false;
    const seen = await send("/stay", { used: said });
    if (!seen) return;
    const had = endsAt !== null;
    endsAt = seen.mine ? Date.now() + seen.seconds_left * 1000 : null;
    if (had && !seen.mine) lease.textContent = bar.dataset.lost;
    others.textContent = seen.others.length ? `${bar.dataset.others} ${seen.others.join(", ")}` : "";
  }

  const ends = [...document.querySelectorAll("[data-until]")].map((shown) => ({
    shown,
    at: Date.now() + Number(shown.dataset.until) * 1000,
  }));

  function minutes(left) {
    return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }

  function count() {
    ends.forEach(({ shown, at }) => {
      const left = Math.max(0, Math.round((at - Date.now()) / 1000));
      shown.textContent = left ? minutes(left) : shown.dataset.over;
    });
    if (endsAt === null) return;
    const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
    lease.textContent = left ? `${bar.dataset.left} ${minutes(left)}` : bar.dataset.lost;
    bar.classList.toggle("urgent", left < 120);
    if (!left) endsAt = null;
  }

  const waiting = new Map();
  document.querySelectorAll("[data-draft]").forEach((field) => {
    field.addEventListener("input", () => {
      clearTimeout(waiting.get(field.form));
      waiting.set(field.form, setTimeout(() => keep(field.form), 1500));
    });
  });

  function keep(form) {
    const fields = { form: form.getAttribute("action") };
    form.querySelectorAll("[data-draft]").forEach((field) => (fields[`field ${field.name}`] = field.value));
    send("/draft", fields);
  }

  document.addEventListener("submit", (event) => clearTimeout(waiting.get(event.target)));
  setInterval(stay, EVERY);
  setInterval(count, 1000);
  stay();
})();

/* Load parts of a page that it does not wait for: each is the section with the same name of another page. */
"use strict";

document.querySelectorAll("[data-part]").forEach(async (part) => {
  try {
    const answer = await fetch(part.dataset.part, { redirect: "error" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const name = part.getAttribute("aria-labelledby");
    const section = page.querySelector(`section[aria-labelledby="${CSS.escape(name)}"]`);
    if (section) part.replaceWith(document.adoptNode(section));
  } catch {
    /* the link to the other page stays */
  }
});

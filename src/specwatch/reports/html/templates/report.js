"use strict";
// Filters, copies, opens what a link leads to. Everything is readable without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const element of all("[data-script]")) element.hidden = false;

  const form = document.querySelector("form.filter");
  const told = form.querySelector(".told");
  const items = all("[data-item]").map((element) => ({
    element,
    text: all(".find", element).concat(element.matches(".find") ? element : [])
      .map((each) => each.textContent).join(" ").toLowerCase() + " " +
      (element.querySelector(".place")?.textContent ?? "").toLowerCase(),
  }));
  const blocks = all("details.claims").map((element) => ({ element, open: element.open }));

  const filter = () => {
    const data = new FormData(form);
    const verdicts = data.getAll("verdict");
    const level = data.get("level");
    const words = String(data.get("words")).toLowerCase().split(/\s+/).filter(Boolean);
    const active = verdicts.length < 3 || level !== "" || words.length > 0;
    let claims = 0, violations = 0;
    for (const { element, text } of items) {
      const { verdict, level: own } = element.dataset;
      const fits = verdicts.includes(verdict) && (level === "" || own === level) &&
        words.every((word) => text.includes(word));
      element.hidden = !fits;
      if (fits && element.matches("details")) violations += 1;
      else if (fits) claims += 1;
    }
    for (const { element, open } of blocks) element.open = active || open;
    for (const group of all("[data-group]")) group.hidden = !group.querySelector("[data-item]:not([hidden])");
    const many = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
    told.textContent = active ? `${many(violations, "violation")} and ${many(claims, "claim")} shown` : "";
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    const label = button.firstChild;
    try {
      await navigator.clipboard.writeText(code.textContent);
      label.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      label.textContent = "Selected";
    }
    setTimeout(() => { label.textContent = "Copy"; }, 2000);
  });

  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.matches("details")) each.open = true;
    const inner = target.querySelector(":scope > details");
    if (inner) inner.open = true;
    if (target.hidden) { form.reset(); filter(); }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])").filter((each) => !each.closest("#exchanges"));
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
})();

/* Select2 replaces a select by elements of its own, which have only the chosen value as their name. They get the label of the
 * select. Select2 makes them after this script has run, and those of a new row later still.
 */
(() => {
  "use strict";

  function nameOf(select) {
    const label = select.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    return select.getAttribute("aria-label") || (label ? label.textContent.replace("*", "").trim() : "");
  }

  function announce(container) {
    const select = container.previousElementSibling;
    const name = select && select.tagName === "SELECT" ? nameOf(select) : "";
    if (!name) return;
    const picker = container.querySelector("[role=combobox]");
    if (picker) {
      picker.removeAttribute("aria-labelledby"); // the value, which is empty at first
      picker.setAttribute("aria-label", name);
    }
    for (const part of container.querySelectorAll("[role=textbox], [role=searchbox]")) part.setAttribute("aria-label", name);
  }

  function announceAll() {
    document.querySelectorAll(".select2-container").forEach(announce);
  }

  document.addEventListener("DOMContentLoaded", () => {
    announceAll();
    new MutationObserver((changes) => {
      if (changes.some((change) => change.addedNodes.length)) announceAll();
    }).observe(document.querySelector("main") || document.body, { childList: true, subtree: true });
  });

  // The field in the opened list stands at the end of the body.
  document.addEventListener("focusin", (event) => {
    if (!event.target.matches(".select2-search__field")) return;
    const open = document.querySelector(".select2-container--open [role=combobox]");
    if (open) event.target.setAttribute("aria-label", open.getAttribute("aria-label") || "");
  });
})();

// A toast can be closed where scripts run; without them it goes with the next page.

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-close-toast]"))) {
  button.addEventListener("click", () => button.closest(".toast")?.remove());
}

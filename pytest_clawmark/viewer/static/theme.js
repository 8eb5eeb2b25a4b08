// Before anything is drawn: the theme that was chosen here last, if any.
"use strict";
(() => {
  try {
    const chosen = localStorage.getItem("clawmark-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
})();

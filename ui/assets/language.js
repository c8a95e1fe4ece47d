// Runs before Gradio, whose own texts follow the browser's language: here they follow what the page's reader chose.
// The words that page.js says come as an attribute; see ui/page_language.py.
(() => {
  "use strict";
  const language = document.documentElement.lang;
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });
  window.graftWords = JSON.parse(document.currentScript.dataset.words);
})();

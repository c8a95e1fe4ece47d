// The little that Gradio's components cannot do: from a mark to its source, copy, narrow screens, names for readers.
(() => {
  "use strict";

  function showSection(section) {
    const panel = section.closest(".sources-panel");
    panel.querySelectorAll(".sources.current").forEach((other) => other.classList.remove("current"));
    section.classList.add("current");
  }

  function goTo(id) {
    const target = document.getElementById(id);
    if (!target) return;
    showSection(target.closest(".sources"));
    const details = target.querySelector("details");
    if (details) details.open = true;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
    const focus = target.querySelector("summary") || target;
    focus.focus({ preventScroll: true });
    target.classList.remove("flash");
    void target.offsetWidth; // restarts the animation
    target.classList.add("flash");
  }

  function answerText(button) {
    const answer = button.closest(".answer").cloneNode(true);
    answer.querySelectorAll(".foot, .mark").forEach((part) => part.remove());
    // innerText of a detached node keeps no line breaks between blocks, so it is attached out of sight.
    answer.style.cssText = "position:fixed;left:-9999px;white-space:pre-wrap";
    document.body.append(answer);
    const text = answer.innerText.trim();
    answer.remove();
    return text;
  }

  async function copy(button) {
    const text = answerText(button);
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without HTTPS, on another machine than this one, there is no clipboard interface.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.mark, a.open-sources");
    if (link) {
      event.preventDefault();
      goTo(link.getAttribute("href").slice(1));
      return;
    }
    const button = event.target.closest("button.copy-answer");
    if (button) copy(button);
  });

  // Gradio names each message by its content, which is HTML here; the content is read out anyway.
  function nameParts() {
    for (const [role, name] of [["user", "Your question"], ["bot", "Answer"]]) {
      for (const message of document.querySelectorAll(`#conversation [data-testid="${role}"]`)) {
        if (message.getAttribute("aria-label") !== name) message.setAttribute("aria-label", name);
      }
    }
    // A list may hold list items only; Gradio's holds the buttons of the sample questions.
    document.querySelector("#conversation .examples[role=list]")?.setAttribute("role", "group");
  }

  let folded = false;
  function foldSettings() {
    const header = document.querySelector("#settings button.label-wrap");
    if (folded || !header) return;
    folded = true;
    if (innerWidth < 900 && header.classList.contains("open")) header.click();
  }

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      nameParts();
      foldSettings();
    });
  }).observe(document.documentElement, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["aria-label"],
  });
})();

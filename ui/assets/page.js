// The little that Gradio's components cannot do: from a mark to its source, copy, narrow screens, names for readers.
(() => {
  "use strict";

  // The words as the reader's language has them; ui/page_language.py finds them by these calls.
  const say = (text) => window.graftWords[text] ?? text;

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

  const copy = (button) => copyText(answerText(button), button);

  async function copyText(text, button) {
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
    button.textContent = say("Copied");
    setTimeout(() => (button.textContent = say("Copy")), 1500);
  }

  function save(button) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${answerText(button)}\n`], { type: "text/plain;charset=utf-8" }));
    link.download = button.value;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // The bridge (ui/chat_page.py) makes an event of Gradio of it.
  function tell(event, data) {
    document.dispatchEvent(new CustomEvent("graft", { detail: { event, data } }));
  }

  function remove(button) {
    button.closest("details").open = false;
    if (confirm(button.dataset.ask)) tell("delete", { conversation: button.dataset.conversation });
  }

  // In the account (ui/render_account.py); the chat hears of it too, and begins a new conversation.
  function removeMine(button) {
    if (confirm(button.dataset.ask)) tell("delete", { conversation: "everything" });
  }

  function edit(button) {
    tell("edit", { turn: Number(button.value) });
    document.querySelector("#question textarea").focus();
  }

  function rate(button) {
    const [turn, verdict] = button.value.split(" ");
    tell("like", { turn: Number(turn), verdict });
  }

  // Buttons in tables; `data-desk` around them names the page whose bridge hears of it, without it the documents'.
  function desk(button) {
    const { source, ask } = button.dataset;
    if (ask && !confirm(ask)) return;
    const detail = ask
      ? { event: "delete", data: { what: button.value, source: source ?? "" } }
      : { event: "select", data: { what: button.value, source: source ?? "" } };
    const page = button.closest("[data-desk]")?.dataset.desk ?? "desk";
    document.dispatchEvent(new CustomEvent(`graft-${page}`, { detail }));
  }

  const actions = {
    "copy-text": (button) => copyText(button.value, button),
    "desk-action": desk,
    "rate-answer": rate,
    "copy-answer": copy,
    "save-answer": save,
    "delete-conversation": remove,
    "delete-mine": removeMine,
    "edit-question": edit,
  };

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
    }
    const link = event.target.closest("a.mark, a.open-sources");
    if (link) {
      event.preventDefault();
      goTo(link.getAttribute("href").slice(1));
      return;
    }
    const button = event.target.closest("button");
    const name = button && Object.keys(actions).find((name) => button.classList.contains(name));
    if (name) actions[name](button);
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // What Gradio names in English alone; in English there is nothing to do.
  const NAMES = [
    ["chatbot conversation", say("chatbot conversation")],
    ["undo", say("undo")],
    ["Click to upload or drop files", say("Click to upload or drop files")],
  ].filter(([english, own]) => english !== own);

  // Gradio names each message by its content, which is HTML here; the content is read out anyway.
  function nameParts() {
    for (const [role, name] of [["user", say("Your question")], ["bot", say("Answer")]]) {
      for (const message of document.querySelectorAll(`#conversation [data-testid="${role}"]`)) {
        if (message.getAttribute("aria-label") !== name) message.setAttribute("aria-label", name);
      }
    }
    for (const button of document.querySelectorAll(".rate-answer")) {
      const pressed = String(button.classList.contains("on"));
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    }
    for (const [english, own] of NAMES) {
      for (const part of document.querySelectorAll(`[aria-label="${english}"]`)) part.setAttribute("aria-label", own);
    }
    // A list may hold list items only; Gradio's holds the buttons of the sample questions.
    document.querySelector("#conversation .examples[role=list]")?.setAttribute("role", "group");
  }

  const folded = new Set();
  function fold(id) {
    const header = document.querySelector(`#${id} button.label-wrap`);
    if (folded.has(id) || !header) return;
    folded.add(id);
    if (innerWidth < 900 && header.classList.contains("open")) header.click();
  }

  // The form for ratings takes the keyboard when it opens; on narrow screens it stands below the chat.
  let formOpen = false;
  function meetForm() {
    const form = document.querySelector("#rating");
    const open = Boolean(form?.checkVisibility());
    if (open && !formOpen) {
      const narrow = innerWidth < 900;
      form.querySelector("input, textarea")?.focus({ preventScroll: !narrow });
      if (narrow) form.scrollIntoView({ block: "start" });
    }
    formOpen = open;
  }

  // Who is opened in the list of users takes the keyboard as well: they stand below it, perhaps out of sight.
  let opened = "";
  function meetUser() {
    const head = document.querySelector("#users-head h2");
    const name = head?.checkVisibility() ? head.textContent : "";
    if (name && name !== opened) head.focus();
    opened = name;
  }

  // The question box takes the keyboard when the page opens: not where that would scroll the page down to it, or bring
  // up a keyboard over it, and not from somebody who was quicker.
  let begun = false;
  function begin() {
    const box = document.querySelector("#question textarea");
    if (begun || !box) return;
    begun = true;
    const free = document.activeElement === null || document.activeElement === document.body;
    if (free && innerWidth >= 900 && !matchMedia("(pointer: coarse)").matches) box.focus({ preventScroll: true });
  }

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      nameParts();
      begin();
      fold("conversations");
      fold("settings");
      meetForm();
      meetUser();
    });
  }).observe(document.documentElement, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["aria-label"],
  });
})();

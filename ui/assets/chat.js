// Files dropped into the chat, and documents beside it: what the components of the chat cannot do by themselves.
(() => {
  "use strict";

  function tell(event, data) {
    document.dispatchEvent(new CustomEvent("graft", { detail: { event, data } }));
  }

  // --- files (ui/attachments.py) ---

  const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
  const input = () => document.querySelector("#composer input[type=file]");

  function mark(dropping) {
    document.querySelector("#chat")?.classList.toggle("dropping", dropping && Boolean(input()));
  }

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    const inside = Boolean(event.target.closest?.("#chat"));
    mark(inside);
    if (inside && input()) event.preventDefault();
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget?.closest?.("#chat")) mark(false);
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    const field = input();
    if (!field || !carriesFiles(event) || !event.target.closest?.("#chat")) return;
    event.preventDefault();
    event.stopPropagation();
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }, true);

  // --- documents beside the chat (ui/source_view.py) ---

  const viewer = () => document.querySelector("#viewer .document-view");
  let opener = null;

  function show(values) {
    const [turn, number, page] = values;
    if (!viewer()) opener = document.activeElement;
    tell("expand", { turn, number, ...(page ? { page } : {}) });
  }

  function close() {
    tell("collapse", {});
    const back = opener?.isConnected ? opener : document.querySelector("#question textarea");
    opener = null;
    back?.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const mark = event.target.closest("a.mark");
    if (button?.matches(".remove-file")) tell("clear", { source: button.dataset.source });
    if (button?.matches(".show-source")) show(button.value.split(" ").map(Number));
    if (button?.matches(".close-source")) close();
    // `#source-2-1`: the third question's first source. page.js has shown its passage in the list by now.
    if (mark) {
      show(mark.getAttribute("href").match(/\d+/g).map(Number));
      opener = mark;
    }
  });

  document.addEventListener("keydown", (event) => {
    const busy = document.querySelector("details.menu[open]") || event.target.closest?.("[role=combobox]");
    if (event.key === "Escape" && viewer() && !busy) close();
  });

  // A document that has come takes the keyboard, and shows the cited words.
  let seen = null;
  new MutationObserver(() => {
    const view = viewer();
    if (view === seen) return;
    seen = view;
    if (!view) return;
    view.focus({ preventScroll: true });
    const target = view.querySelector("mark");
    const frame = view.querySelector(".document-text, .page-picture");
    if (!target || !frame) return;
    const above = target.getBoundingClientRect().top - frame.getBoundingClientRect().top;
    frame.scrollTop += Math.max(0, above - frame.clientHeight / 3);
  }).observe(document.documentElement, { subtree: true, childList: true });
})();

// Says it when the server refuses an event of the page. Gradio shows nothing then where the event went past its queue,
// and English alone where it did not; so all of them are shown here, and Gradio hears of a refusal that it is silent about.
(() => {
  "use strict";

  const say = (text) => window.graftWords[text] ?? text;
  const EVENT = /\/gradio_api\/(run\/|queue\/join)/;
  // They come without a wish of the reader's, who has missed nothing when one fails.
  const UNASKED = new Set(["load", "tick"]);
  // After these nothing on the page will work: they are said whatever event met them.
  const OVER = {
    401: () => say("You are no longer logged in. Reload the page, and log in again."),
    404: () => say("The server no longer knows this page. Reload it."),
  };

  function sentence(status) {
    if (status in OVER) return OVER[status]();
    if (status === 413) return say("That is too large to be sent. Send less at once.");
    if (status === 429 || status === 503) return say("The server is busy. Wait a moment, then try again.");
    if (status < 500) return say("The server refused this. Reload the page, then try again.");
    return say("Something went wrong inside Graft. Try again; if it happens again, the log in the workspace tells more.");
  }

  function isAsked(request) {
    const number = JSON.parse(request?.body ?? "{}").fn_index;
    const event = window.gradio_config?.dependencies?.find(({ id }) => id === number);
    return !event || event.targets.some(([, name]) => !UNASKED.has(name));
  }

  // What an event's own code raised comes with the text to show, or with the wish that it be not shown.
  async function told(answer) {
    const content = await answer.json().catch(() => null);
    if (typeof content?.error !== "string") return sentence(answer.status);
    return content.visible === false ? "" : content.error;
  }

  function close() {
    document.querySelector("#refusal")?.remove();
  }

  function button(text, action) {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    made.addEventListener("click", action);
    return made;
  }

  function show(text, over) {
    close();
    const box = Object.assign(document.createElement("div"), { id: "refusal" });
    box.setAttribute("role", "alert");
    const words = Object.assign(document.createElement("p"), { textContent: text });
    box.append(words, over ? button(say("Reload"), () => location.reload()) : button(say("Close"), close));
    (document.querySelector(".gradio-container") ?? document.body).append(box);
    box.dataset.over = over ? "yes" : "";
  }

  async function refused(answer, asked) {
    const over = answer.status in OVER;
    const text = over || asked ? await told(answer) : "";
    const shown = document.querySelector("#refusal");
    // Events go on coming while the page is over: a reader would hear of it with each of them.
    if (text && shown?.textContent.startsWith(text) !== true) show(text, over);
  }

  const ask = window.fetch.bind(window);
  window.fetch = async (target, options) => {
    const answer = await ask(target, options);
    if (!EVENT.test(String(target?.url ?? target))) return answer;
    if (answer.ok) {
      // What was refused is done by now, or the reader has gone on. A page that is over can only be loaded anew.
      const shown = document.querySelector("#refusal");
      if (shown && !shown.dataset.over && isAsked(options)) close();
      return answer;
    }
    await refused(answer, isAsked(options));
    return new Response(JSON.stringify({ error: {} }), { status: answer.status });
  };

  // A server that does not answer at all is Gradio's to say, which loads the page anew when it is back; in English alone.
  const LOST = "Connection to the server was lost. Attempting reconnection...";
  const lost = say("The server does not answer. This page is loaded again once it does; if not, ask whoever runs Graft.");
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll(".toast-body")) {
      const texts = document.createTreeWalker(toast, NodeFilter.SHOW_TEXT);
      for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        if (text.data.trim() === LOST) text.data = lost;
      }
    }
  }).observe(document.documentElement, { subtree: true, childList: true });
})();

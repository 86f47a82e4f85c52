/* The bar of a long job: asks how far it is, and shows the finished page when it is over. */
(() => {
  "use strict";

  const card = document.querySelector("[data-progress]");
  if (!card) return;

  const EVERY_MS = 700;
  const ANSWER_MS = 8000;
  const bar = card.querySelector("progress");
  const words = card.querySelector("[role=status]");

  function say(text) {
    if (words.textContent !== text) words.textContent = text;
  }

  async function ask() {
    const patience = new AbortController();
    const tooLong = setTimeout(() => patience.abort(), ANSWER_MS);
    try {
      const response = await fetch(card.dataset.progress, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        signal: patience.signal,
      });
      if (response.redirected || response.status === 403) {
        say("You are signed out. Reload the page to sign in; the job goes on.");
        return;
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      const job = await response.json();
      bar.max = job.rows;
      bar.value = job.done;
      say(job.sentence);
      if (job.state !== "running") {
        location.reload();
        return;
      }
    } catch (error) {
      say("No answer from the server; asking again.");
    } finally {
      clearTimeout(tooLong);
    }
    setTimeout(ask, EVERY_MS);
  }

  ask();
})();

/* The progress bar of a background job: poll the progress, and reload the page when the job has ended. */
(() => {
  "use strict";

  const card = document.querySelector("[data-progress]");
  if (!card) return;

  const POLL_MS = 700;
  const TIMEOUT_MS = 8000;
  const bar = card.querySelector("progress");
  const words = card.querySelector("[role=status]");

  function showText(text) {
    if (words.textContent !== text) words.textContent = text;
  }

  async function poll() {
    const controller = new AbortController();
    const timeout = setTimeout(() => controller.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(card.dataset.progress, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        signal: controller.signal,
      });
      if (response.redirected || response.status === 403) {
        showText("You are signed out. Reload the page to sign in; the job continues.");
        return;
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      const job = await response.json();
      bar.max = job.rows;
      bar.value = job.done;
      showText(job.sentence);
      if (job.state !== "running") {
        location.reload();
        return;
      }
    } catch (error) {
      showText("No answer from the server. Trying again.");
    } finally {
      clearTimeout(timeout);
    }
    setTimeout(poll, POLL_MS);
  }

  poll();
})();
